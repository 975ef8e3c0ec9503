package stsstore

import (
	"crypto/sha256"
	"fmt"
)

// How long AWS lets a name be; two characters at least.
const (
	maxSessionName   = 64
	maxFederatedName = 32
)

// sessionName is the client's name, as CloudTrail will show it. One that is too long is cut and ends in a digest of the
// whole, so that no two clients look the same.
func sessionName(client string, most int) string {
	switch {
	case len(client) < 2:
		return "client-" + client
	case len(client) > most:
		digest := fmt.Sprintf("-%x", sha256.Sum256([]byte(client)))[:9]
		return client[:most-len(digest)] + digest
	}
	return client
}
