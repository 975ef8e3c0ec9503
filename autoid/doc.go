// Package autoid hands short-lived credentials to clients that prove who they are: protocol 2 of auto-id.
//
// One request, one response, over any channel. A [Client] proves itself with its [Entropy] file, or with evidence bound
// to the request; the [Server] with its [Key]; the credential is sealed to a key that lives for one exchange. What a
// client needs to know it fetches as a signed [Bundle] from a [Repository]; what the server hands out comes from a
// [Store]; who may have it is written in the [ClientFile].
//
// docs/autoid.md says how to run it, what it promises and what it does not.
package autoid

const (
	// Path is appended to an endpoint's address.
	Path = "/v2/credential"
	// ContentType is that of requests and responses.
	ContentType = "application/vnd.autoid.v2"
)

// Keys of log lines.
const (
	keyError    = "error"
	keyWant     = "want"
	keyEndpoint = "endpoint"
	keySeq      = "bundle_seq"
	keyOffset   = "clock_offset"
)
