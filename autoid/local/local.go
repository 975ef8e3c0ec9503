// Package local hands AWS credentials on to the other programs of this machine.
//
// A [Shell] takes them as variables; the AWS SDKs and the AWS CLI as what a credential_process prints, which [SetProcess]
// writes into their configuration, or from an [Endpoint] on loopback, as they do in a container.
package local

// Keys of log lines.
const (
	keyError   = "error"
	keyExpires = "expires"
	keyPeer    = "peer"
	keyReason  = "reason"
)
