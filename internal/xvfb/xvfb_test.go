package xvfb_test

import (
	"os"
	"testing"

	"github.com/kioskeeper/kioskeeper/internal/xvfb"
)

func TestShowsBlackAndLeavesNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	d, err := xvfb.Start(t.Context(), 640, 480)
	if err != nil {
		t.Fatal(err)
	}
	if b := d.Image().Bounds(); b.Dx() != 640 || b.Dy() != 480 {
		t.Errorf("the display is %v", b)
	}
	if got := d.At(639, 479); got != 0 {
		t.Errorf("an empty display's last pixel is %06x", got)
	}
	d.Close()
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
