// Package xvfb runs a virtual X display and reads what it shows, straight from its frame buffer.
//
// The demo shows its wall there where there is no screen, and the tests look at it hundreds of times a second.
package xvfb

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Display is a running virtual display.
type Display struct {
	Name          string // for DISPLAY
	Width, Height int

	cmd    *exec.Cmd
	dir    string
	memory []byte // the frame buffer, as an XWD file
	pixels int    // where in it the pixels begin
	stride int    // bytes a line
}

// startTime is how long the display may take to come up.
const startTime = 20 * time.Second

// Start starts a display of the given size on the first free number.
func Start(ctx context.Context, width, height int) (_ *Display, err error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, errors.New("no Xvfb in PATH; install it (Debian: apt install xvfb)")
	}
	dir, err := os.MkdirTemp("", "kioskeeper-xvfb-")
	if err != nil {
		return nil, err
	}
	d := &Display{Width: width, Height: height, dir: dir}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	said, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer said.Close()
	d.cmd = exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-fbdir", dir, "-nolisten", "tcp", "-noreset")
	d.cmd.ExtraFiles = []*os.File{tell}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is for us first
	err = d.cmd.Start()
	_ = tell.Close()
	if err != nil {
		return nil, fmt.Errorf("start Xvfb: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = said.SetReadDeadline(time.Now()) })
	number, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start Xvfb: %w", errors.Join(err, ctx.Err()))
	}
	d.Name = ":" + strings.TrimSpace(number)
	return d, d.mapMemory()
}

// mapMemory maps the frame buffer: the format is XWD, whose header is big-endian.
func (d *Display) mapMemory() error {
	f, err := os.Open(filepath.Join(d.dir, "Xvfb_screen0"))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if d.memory, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map the frame buffer: %w", err)
	}
	const headerSize, bytesPerLine, colours = 0, 48, 76 // where in the header; a colour's entry has 12 bytes
	field := func(at int) int { return int(binary.BigEndian.Uint32(d.memory[at:])) }
	d.pixels, d.stride = field(headerSize)+12*field(colours), field(bytesPerLine)
	if len(d.memory) < d.pixels+d.stride*d.Height {
		return errors.New("the frame buffer is smaller than its header says")
	}
	return nil
}

// At is the colour at x, y as 0xRRGGBB.
func (d *Display) At(x, y int) uint32 {
	p := d.memory[d.pixels+y*d.stride+4*x:]
	return uint32(p[2])<<16 | uint32(p[1])<<8 | uint32(p[0])
}

// Image copies what shows.
func (d *Display) Image() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, d.Width, d.Height))
	for y := range d.Height {
		for x := range d.Width {
			c := d.At(x, y)
			m.SetRGBA(x, y, color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff})
		}
	}
	return m
}

// Close ends the display and removes its files. No method may be called afterwards.
func (d *Display) Close() {
	if d.cmd != nil && d.cmd.Process != nil {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it removes its lock and socket
		stuck := time.AfterFunc(5*time.Second, func() { _ = d.cmd.Process.Kill() })
		_ = d.cmd.Wait()
		stuck.Stop()
	}
	if d.memory != nil {
		_ = unix.Munmap(d.memory)
		d.memory = nil
	}
	_ = os.RemoveAll(d.dir)
}
