package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This is AWS's Signature Version 4 from the verifier's side, for requests to the path "/" signed in the Authorization
// header. It shares no code with the SDK, so that the two check each other. [D]

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	amzDate    = "20060102T150405Z"
	window     = 5 * time.Minute // either way [I, serverless/enterprise#11]
)

// An authorization is what the Authorization header says.
type authorization struct {
	keyID, date, region, service, end string
	signed                            []string // lower case, as given
	signature                         []byte
}

// parseAuthorization reads the header's three parts. A problem is told in AWS's words, which do not repeat the header.
func parseAuthorization(header string) (a authorization, problem string) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, "Authorization header must begin with '" + algorithm + "'."
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return a, "Authorization header requires '" + name + "' parameter."
		}
	}
	scope := strings.Split(parts["Credential"], "/")
	if len(scope) != 5 {
		return a, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
	}
	signature, err := hex.DecodeString(parts["Signature"])
	if err != nil || len(signature) != sha256.Size {
		return a, "Signature must be 64 hexadecimal characters."
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.IsSorted(signed) || strings.ToLower(parts["SignedHeaders"]) != parts["SignedHeaders"] {
		return a, "SignedHeaders must be in lower case and sorted."
	}
	return authorization{scope[0], scope[1], scope[2], scope[3], scope[4], signed, signature}, ""
}

// verify holds a's signature against the one that secretKey makes.
func (a authorization) verify(r *http.Request, body []byte, secretKey string) bool {
	canonical := canonicalRequest(r, body, a.signed)
	toSign := strings.Join([]string{
		algorithm,
		r.Header.Get("X-Amz-Date"),
		strings.Join([]string{a.date, a.region, a.service, a.end}, "/"),
		hex.EncodeToString(digest([]byte(canonical))),
	}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, text := range []string{a.date, a.region, a.service, a.end} {
		key = mac(key, text)
	}
	return subtle.ConstantTimeCompare(mac(key, toSign), a.signature) == 1
}

// canonicalRequest writes down what was signed. The path is always "/": nothing else is served where signatures count.
func canonicalRequest(r *http.Request, body []byte, signed []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n/\n", r.Method)

	var pairs []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			pairs = append(pairs, uriEncode(name)+"="+uriEncode(value))
		}
	}
	slices.Sort(pairs)
	fmt.Fprintf(&b, "%s\n", strings.Join(pairs, "&"))

	for _, name := range signed {
		values := slices.Clone(r.Header.Values(name))
		switch {
		case name == "host": // net/http takes these two out of the header
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(values, ","))
	}
	fmt.Fprintf(&b, "\n%s\n%x", strings.Join(signed, ";"), digest(body))
	return b.String()
}

// uriEncode escapes all but the unreserved characters; url.QueryEscape writes a space as "+".
func uriEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d$`)

// authenticate finds out who signed the call. Codes and texts are AWS's; the order of the checks is [?].
func (s *Server) authenticate(c *call) (credential, *stsError) {
	header := c.Header.Get("Authorization")
	if header == "" {
		return refused("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	incomplete := func(text string) (credential, *stsError) {
		return credential{}, &stsError{http.StatusBadRequest, "IncompleteSignature", text}
	}
	mismatch := func(text string) (credential, *stsError) { return refused("SignatureDoesNotMatch", text) }
	auth, problem := parseAuthorization(header)
	if problem != "" {
		return incomplete(problem)
	}
	signedAt, err := time.Parse(amzDate, c.Header.Get("X-Amz-Date"))
	if err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'.")
	}
	token := c.Header.Get("X-Amz-Security-Token")
	// A header that counts and is not signed could have been changed on the way. [D] for host and x-amz-*.
	for name := range c.Header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") && !slices.Contains(auth.signed, name) {
			return mismatch(fmt.Sprintf("'%s' must be a 'SignedHeader' in the AWS Authorization header.", name))
		}
	}
	if !slices.Contains(auth.signed, "host") {
		return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization header.")
	}
	if text := auth.scopeProblem(string(c.part), c.region, signedAt); text != "" {
		return mismatch(text)
	}
	who, known := s.credential(auth.keyID)
	if !known || who.token.Reveal() != token {
		return refused("InvalidClientTokenId", "The security token included in the request is invalid.")
	}
	if !auth.verify(c.Request, c.body, who.secret.Reveal()) {
		return mismatch("The request signature we calculated does not match the signature you provided. Check your AWS Secret " +
			"Access Key and signing method. Consult the service documentation for details.")
	}
	// [I, serverless/enterprise#11; devsecops/bootcamp#101; mt-aws-glacier#2]
	now := c.now.Truncate(time.Second)
	earliest, latest := now.Add(-window), now.Add(window)
	stamp := func(t time.Time) string { return t.UTC().Format(amzDate) }
	switch {
	case signedAt.Before(earliest):
		return mismatch(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			stamp(signedAt), stamp(earliest), stamp(now)))
	case signedAt.After(latest):
		return mismatch(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			stamp(signedAt), stamp(latest), stamp(now)))
	case who.expired(c.now):
		return credential{}, errExpired()
	}
	return who, nil
}

func refused(code, text string) (credential, *stsError) {
	return credential{}, &stsError{http.StatusForbidden, code, text}
}

// scopeProblem says what is wrong with the credential's scope at an endpoint of the region. [I, cognitect-labs/aws-api#27]
func (a authorization) scopeProblem(service, region string, signedAt time.Time) string {
	switch {
	case a.end != terminator:
		return fmt.Sprintf("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, a.end)
	case a.service != service:
		return "Credential should be scoped to correct service: '" + service + "'. "
	case region != "" && region != a.region, !regionName.MatchString(a.region):
		return "Credential should be scoped to a valid region. "
	case a.date != signedAt.Format("20060102"):
		return fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "+
			"'%s' != '%s'.", a.date, signedAt.Format("20060102"))
	}
	return ""
}
