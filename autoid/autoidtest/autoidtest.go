// Package autoidtest checks that stores and repositories keep what package autoid asks of them.
//
// Each implementation's test calls the suite of its interface, so that all of them are held to the same promises.
package autoidtest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// TestRepository runs the suite of repositories. open makes an empty one.
func TestRepository(t *testing.T, open func(t *testing.T) autoid.Repository) {
	t.Run("what is published is fetched", func(t *testing.T) {
		r := open(t)
		for _, content := range []string{"first", "second", ""} {
			objects := []autoid.Object{{Name: "a-1_.x", Content: []byte(content)}, {Name: "b", Content: []byte("b" + content)}}
			if err := r.Publish(t.Context(), objects); err != nil {
				t.Fatal(err)
			}
			for _, o := range objects {
				if got, err := r.Fetch(t.Context(), o.Name, 100); err != nil || !bytes.Equal(got, o.Content) {
					t.Errorf("Fetch(%s) = %q, %v; want %q", o.Name, got, err, o.Content)
				}
			}
		}
	})
	t.Run("what is not there does not exist", func(t *testing.T) {
		r := open(t)
		if _, err := r.Fetch(t.Context(), "nothing", 100); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Fetch = %v", err)
		}
	})
	t.Run("no more than the limit is fetched", func(t *testing.T) {
		r := open(t)
		if err := r.Publish(t.Context(), []autoid.Object{{Name: "big", Content: make([]byte, 101)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Fetch(t.Context(), "big", 100); err == nil {
			t.Error("101 bytes were fetched with a limit of 100")
		}
		if got, err := r.Fetch(t.Context(), "big", 101); err != nil || len(got) != 101 {
			t.Errorf("Fetch = %d bytes, %v", len(got), err)
		}
	})
	t.Run("nothing outside is reached", func(t *testing.T) {
		r := open(t)
		for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc/hostname"} {
			if _, err := r.Fetch(t.Context(), name, 1<<20); err == nil {
				t.Errorf("Fetch(%q) succeeded", name)
			}
			if err := r.Publish(t.Context(), []autoid.Object{{Name: name}}); err == nil {
				t.Errorf("Publish(%q) succeeded", name)
			}
		}
	})
	t.Run("a reader never sees half an object, nor one before those it follows", func(t *testing.T) {
		r := open(t)
		publish := func(b byte) error {
			return r.Publish(t.Context(), []autoid.Object{
				{Name: "first", Content: bytes.Repeat([]byte{b}, 1<<16)}, {Name: "second", Content: []byte{b}},
			})
		}
		if err := publish(0); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			for i := range 30 {
				if err := publish(byte(i)); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		for {
			second, err := r.Fetch(t.Context(), "second", 10)
			if err != nil {
				t.Fatal(err)
			}
			first, err := r.Fetch(t.Context(), "first", 1<<16)
			if err != nil || len(first) != 1<<16 || bytes.Count(first, first[:1]) != len(first) {
				t.Fatalf("half an object: %d bytes, %v", len(first), err)
			}
			if first[0] < second[0] {
				t.Fatalf("the second object (%d) was there before the first (%d)", second[0], first[0])
			}
			select {
			case err := <-done:
				if err != nil {
					t.Fatal(err)
				}
				return
			default:
			}
		}
	})
	testPublishers(t, open)
	t.Run("a context that is over ends it", func(t *testing.T) {
		r, ctx := open(t), over()
		if _, err := r.Fetch(ctx, "x", 1); !errors.Is(err, context.Canceled) {
			t.Errorf("Fetch = %v", err)
		}
		if err := r.Publish(ctx, []autoid.Object{{Name: "x"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("Publish = %v", err)
		}
	})
}

func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
