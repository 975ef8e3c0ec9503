package filelock_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid/internal/filelock"
)

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "lock")
	var group sync.WaitGroup
	held := make(chan struct{}, 1)
	for range 20 {
		group.Go(func() {
			unlock, err := filelock.Lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case held <- struct{}{}:
				<-held
			default:
				t.Error("two hold it")
			}
			if err := unlock(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := filelock.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := filelock.Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock = %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = filelock.Lock(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	_ = unlock()
}
