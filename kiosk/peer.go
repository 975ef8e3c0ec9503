package kiosk

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

var (
	// errNoPeers: the system has no table of sockets that we may read.
	errNoPeers = errors.New("the system does not tell who connects")
	// errNoPeer: the table does not list the connection.
	errNoPeer = errors.New("no such connection in the system's table")
)

// findUID returns the user who owns the socket local→remote in a table as Linux writes it to /proc/net/tcp and tcp6
// (proc_pid_net(5), tcp4_seq_show in the kernel's source): a heading, then a line a socket, of which the second and third
// column are the addresses and the eighth the user's number.
func findUID(table io.Reader, local, remote netip.AddrPort) (int, error) {
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 8 {
			continue
		}
		l, err1 := parseSocket(columns[1])
		r, err2 := parseSocket(columns[2])
		if err1 != nil || err2 != nil || l != local || r != remote {
			continue
		}
		uid, err := strconv.ParseUint(columns[7], 10, 32)
		if err != nil {
			return 0, fmt.Errorf("table of sockets: the user %q is not a number", columns[7])
		}
		return int(uid), nil
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, errNoPeer
}

// parseSocket reads an address such as 0100007F:1F90: the address in words of 32 bits, each as this machine's memory
// holds it, then the port. An IPv4 address inside IPv6 comes out as IPv4.
func parseSocket(s string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(address)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("socket %q: not an address", s)
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("socket %q: not a port", s)
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(p)), nil
}
