package kiosk_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"testing"
)

// getAs opens an address over a connection that another user owns.
func getAs(t *testing.T, uid int, address string) int {
	t.Helper()
	// A socket belongs to the user that its thread acts for, which root may choose for one thread alone. The thread is
	// never unlocked, so that it ends with the goroutine.
	conns := make(chan net.Conn)
	transport := &http.Transport{DialContext: func(_ context.Context, network, host string) (net.Conn, error) {
		go func() {
			runtime.LockOSThread()
			_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0)
			conn, err := net.Dial(network, host)
			if err != nil {
				t.Error(err)
			}
			conns <- conn
		}()
		return <-conns, nil
	}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func TestHandoffKnowsItsUsers(t *testing.T) {
	s, _, _ := newSite(t)
	offer := func() string {
		address, err := s.Handoff.Offer(ticket)
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	if answer, _ := ask(t, "GET", offer()); answer.StatusCode != 200 {
		t.Errorf("our own user: %s", answer.Status)
	}
	if os.Getuid() != 0 {
		t.Log("only root can act as a stranger: that part is left to a run as root")
		return
	}
	const stranger = 65534
	address := offer()
	if code := getAs(t, stranger, address); code != 404 {
		t.Errorf("a stranger: %d", code)
	}
	if answer, _ := ask(t, "GET", address); answer.StatusCode != 200 {
		t.Errorf("the owner after the stranger: %s", answer.Status)
	}
	s.Handoff.UIDs = []int{stranger}
	if code := getAs(t, stranger, offer()); code != 200 {
		t.Errorf("the browser's user: %d", code)
	}
}
