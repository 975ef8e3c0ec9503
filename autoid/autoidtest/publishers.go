package autoidtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// testPublishers is the part of the suite that is about those who publish.
func testPublishers(t *testing.T, open func(t *testing.T) autoid.Repository) {
	t.Run("what many publish at once is all there", func(t *testing.T) {
		r := open(t)
		const publishers = 4
		var all sync.WaitGroup
		for i := range publishers {
			all.Go(func() {
				own := fmt.Sprint("own-", i)
				err := r.Publish(t.Context(), []autoid.Object{{Name: own, Content: []byte(own)}, {Name: "shared", Content: []byte(own)}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		shared, err := r.Fetch(t.Context(), "shared", 100)
		ours := false
		for i := range publishers {
			own := fmt.Sprint("own-", i)
			if got, err := r.Fetch(t.Context(), own, 100); err != nil || string(got) != own {
				t.Errorf("Fetch(%s) = %q, %v", own, got, err)
			}
			ours = ours || string(shared) == own
		}
		if err != nil || !ours {
			t.Errorf("the object of all is %q, %v", shared, err)
		}
	})
	t.Run("a publication that is broken off leaves no object before those it follows", func(t *testing.T) {
		r := open(t)
		publish := func(ctx context.Context, b byte) error {
			return r.Publish(ctx, []autoid.Object{
				{Name: "first", Content: bytes.Repeat([]byte{b}, 1<<16)}, {Name: "second", Content: []byte{b}},
			})
		}
		start := time.Now()
		if err := publish(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		const times = 8
		for i := range times {
			ctx, cancel := context.WithTimeout(t.Context(), took*time.Duration(i)/times)
			err := publish(ctx, byte(i+1))
			cancel()
			second, err2 := r.Fetch(t.Context(), "second", 10)
			first, err1 := r.Fetch(t.Context(), "first", 1<<16)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if len(first) != 1<<16 || bytes.Count(first, first[:1]) != len(first) || first[0] < second[0] {
				t.Errorf("broken off (%v): the first is %d, the second %d", err, first[0], second[0])
			}
			if err == nil && second[0] != byte(i+1) {
				t.Errorf("published %d, and there is %d", i+1, second[0])
			}
		}
	})
	t.Run("big objects, and any bytes", func(t *testing.T) {
		r := open(t)
		content := make([]byte, 1<<20)
		_, _ = rand.Read(content) // never fails
		if err := r.Publish(t.Context(), []autoid.Object{{Name: "big", Content: content}}); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Fetch(t.Context(), "big", 1<<20); err != nil || !bytes.Equal(got, content) {
			t.Errorf("Fetch = %d bytes, %v", len(got), err)
		}
	})
	t.Run("what is removed is gone, and the rest stays", func(t *testing.T) {
		r := open(t)
		remover, ok := r.(autoid.Remover)
		if !ok {
			return // need not be one
		}
		if err := r.Publish(t.Context(), []autoid.Object{{Name: "old"}, {Name: "new", Content: []byte("new")}}); err != nil {
			t.Fatal(err)
		}
		for range 2 { // what is not there is no error
			if err := remover.Remove(t.Context(), "old"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Fetch(t.Context(), "old", 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Fetch = %v", err)
		}
		if got, err := r.Fetch(t.Context(), "new", 10); err != nil || string(got) != "new" {
			t.Errorf("Fetch = %q, %v", got, err)
		}
		if err := remover.Remove(t.Context(), "../x"); err == nil {
			t.Error("removed what is outside")
		}
	})
}
