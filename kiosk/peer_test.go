package kiosk

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// row is a line as Linux writes it.
func row(local, remote, uid string) string {
	socket := func(s string) string {
		a := netip.MustParseAddrPort(s)
		raw := a.Addr().AsSlice()
		for i := 0; i < len(raw); i += 4 {
			binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
		}
		return fmt.Sprintf("%X:%04X", raw, a.Port())
	}
	return "   1: " + socket(local) + " " + socket(remote) +
		" 01 00000000:00000000 00:00000000 00000000 " + uid + "        0 18099 1 0000000000000000 20 4 30 10 -1\n"
}

func table() string {
	return "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		row("127.0.0.1:8080", "0.0.0.0:0", "0") +
		row("127.0.0.1:8080", "127.0.0.1:50000", "0") + // our own end
		row("127.0.0.1:50000", "127.0.0.1:8080", "1000") +
		row("[::ffff:127.0.0.1]:50001", "[::ffff:127.0.0.1]:8080", "65534") +
		row("[::1]:50002", "[::1]:8080", "7")
}

func TestFindsTheUserOfAConnection(t *testing.T) {
	for _, c := range []struct {
		client, server string
		want           int
		err            error
	}{
		{"127.0.0.1:50000", "127.0.0.1:8080", 1000, nil},
		{"127.0.0.1:50001", "127.0.0.1:8080", 65534, nil},
		{"[::1]:50002", "[::1]:8080", 7, nil},
		{"127.0.0.1:50003", "127.0.0.1:8080", 0, errNoPeer},
	} {
		uid, err := findUID(strings.NewReader(table()), netip.MustParseAddrPort(c.client), netip.MustParseAddrPort(c.server))
		if uid != c.want || err != c.err {
			t.Errorf("%s: %d, %v, want %d, %v", c.client, uid, err, c.want, c.err)
		}
	}
}

func FuzzFindUID(f *testing.F) {
	f.Add(table())
	f.Add("   1: 0100007F:C350 0100007F:1F90 01 a b c -1 0")
	f.Add("1: :: : 1 1 1 1 1")
	f.Add("1: 0100007F:C350 0100007F:1F90 01 0:0 0:0 0 99999999999999999999 0")
	client, server := netip.MustParseAddrPort("127.0.0.1:50000"), netip.MustParseAddrPort("127.0.0.1:8080")
	f.Fuzz(func(t *testing.T, text string) {
		uid, err := findUID(strings.NewReader(text), client, server)
		if uid < 0 || err != nil && uid != 0 {
			t.Errorf("%d, %v", uid, err)
		}
	})
}
