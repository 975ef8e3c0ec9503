package machine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/kioskeeper/kioskeeper/autoid"
)

// Sealer is the data protection API, whose keys Windows keeps for the user: dir is not used.
func Sealer(string) (autoid.Sealer, error) { return dpapi{}, nil }

// dpapi has the name as its "optional entropy", without which nothing is opened.
type dpapi struct{}

// Seal implements [autoid.Sealer].
func (dpapi) Seal(name string, data []byte) ([]byte, error) {
	var out windows.DataBlob
	err := windows.CryptProtectData(blob(data), nil, blob([]byte(name)), 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, fmt.Errorf("data protection API: %w", err)
	}
	return take(out), nil
}

// Open implements [autoid.Sealer].
func (dpapi) Open(name string, sealed []byte) ([]byte, error) {
	var out windows.DataBlob
	err := windows.CryptUnprotectData(blob(sealed), nil, blob([]byte(name)), 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, errNotOurs
	}
	return take(out), nil
}

func blob(data []byte) *windows.DataBlob {
	return &windows.DataBlob{Size: uint32(len(data)), Data: unsafe.SliceData(data)}
}

// take copies what Windows has allocated, wipes it and gives it back.
func take(b windows.DataBlob) []byte {
	theirs := unsafe.Slice(b.Data, b.Size)
	data := append([]byte(nil), theirs...)
	clear(theirs)
	_, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data)))
	return data
}
