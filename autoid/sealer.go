package autoid

// A Sealer closes what a client keeps on its disk, so that a copy of the disk, or of the folder, is not enough to read it.
type Sealer interface {
	// Seal closes data under a name.
	Seal(name string, data []byte) ([]byte, error)
	// Open opens what was sealed by this machine under the name; an error says nothing of the content.
	Open(name string, sealed []byte) ([]byte, error)
}

// sealMax is what a Sealer may add to the length.
const sealMax = 4 << 10
