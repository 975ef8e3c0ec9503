package kiosk

import (
	"errors"
	"net/netip"
	"os"
)

// peerUID returns the user who owns the client's end of a connection on this machine.
func peerUID(client, server netip.AddrPort) (int, error) {
	client, server = unmap(client), unmap(server)
	readable := false
	// Reading the tables is not atomic, and a line can slip past while others come and go: look three times.
	for range 3 {
		for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			table, err := os.Open(name)
			if err != nil {
				continue // no IPv6, or a sandbox without /proc/net
			}
			readable = true
			uid, err := findUID(table, client, server)
			_ = table.Close()
			if !errors.Is(err, errNoPeer) {
				return uid, err
			}
		}
	}
	if !readable {
		return 0, errNoPeers
	}
	return 0, errNoPeer
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
