package standin

import (
	"cmp"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// The bounds of a session that may be asked for. [D]
const (
	minSession     = 900 * time.Second
	maxSession     = 43200 * time.Second
	defaultSession = time.Hour
	maxChained     = time.Hour
)

// An stsError is an answer that refuses.
type stsError struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *stsError {
	return &stsError{http.StatusBadRequest, "ValidationError", fmt.Sprintf(format, args...)}
}

func errExpired() *stsError {
	return &stsError{http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired"}
}

func (s *Server) serveSTS(w http.ResponseWriter, c *call) {
	if c.URL.Path != "/" {
		http.NotFound(w, c.Request)
		return
	}
	answer, refusal := s.answerSTS(c)
	if refusal != nil {
		writeSTSError(w, *refusal)
		return
	}
	writeXML(w, http.StatusOK, answer)
}

// answerSTS authenticates before it looks at anything else, as AWS does [?].
func (s *Server) answerSTS(c *call) (any, *stsError) {
	who, refusal := s.authenticate(c)
	if refusal != nil {
		return nil, refusal
	}
	switch c.action {
	case "GetCallerIdentity":
		answer := callerIdentity{RequestID: rand.Text()}
		answer.Result = identity{who.arn, who.userID, accountOf(who.arn)}
		return answer, nil
	case "AssumeRole":
		return s.assumeRole(c, who)
	case "GetFederationToken":
		if refusal := c.narrowing(); refusal != nil {
			return nil, refusal
		}
		return s.getFederationToken(c, who)
	}
	return nil, &stsError{http.StatusBadRequest, "InvalidAction", "Could not find operation for version 2011-06-15"}
}

var (
	roleARN         = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+$`)
	sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]*$`)
)

// assumeRole answers AssumeRole. Bounds and texts [D]; the chaining text [I, 99designs/aws-vault#263].
func (s *Server) assumeRole(c *call, who credential) (any, *stsError) {
	arn, name := c.Form.Get("RoleArn"), c.Form.Get("RoleSessionName")
	const failed = "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must "
	switch {
	case !roleARN.MatchString(arn):
		return nil, invalid("%s is invalid", arn)
	case len(name) < 2:
		return nil, invalid(failed+"have length greater than or equal to 2", name, "roleSessionName")
	case len(name) > 64:
		return nil, invalid(failed+"have length less than or equal to 64", name, "roleSessionName")
	case !sessionNameForm.MatchString(name):
		return nil, invalid(failed+`satisfy regular expression pattern: [\w+=,.@-]*`, name, "roleSessionName")
	}
	if refusal := c.narrowing(); refusal != nil {
		return nil, refusal
	}
	wanted := defaultSession
	if text := c.Form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return nil, &stsError{http.StatusBadRequest, "MalformedInput", "Could not parse DurationSeconds"}
		case seconds < int(minSession/time.Second):
			return nil, invalid(failed+"have value greater than or equal to 900", text, "durationSeconds")
		case seconds > int(maxSession/time.Second):
			return nil, invalid(failed+"have value less than or equal to 43200", text, "durationSeconds")
		}
		wanted = time.Duration(seconds) * time.Second
	}

	roles := s.roles()
	i := slices.IndexFunc(roles, func(role Role) bool { return role.ARN == arn })
	// A role that is not there is refused in the words of one that does not trust, so that roles cannot be guessed. [D]
	if i < 0 || !roles[i].trusts(who, c.Form.Get("ExternalId")) {
		return nil, &stsError{http.StatusForbidden, "AccessDenied",
			fmt.Sprintf("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", who.arn, arn)}
	}
	longest, chained := cmp.Or(roles[i].MaxSession, time.Hour), who.role != ""
	switch {
	case chained && wanted > maxChained:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case wanted > longest:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}

	// An id made from the role, since AWS's stays the same for a role's life.
	id := "AROA" + strings.ToUpper(fmt.Sprintf("%x", digest([]byte(arn)))[:17])
	path := strings.Split(arn, "/")
	made := credential{
		keyID:   "ASIA" + rand.Text()[:16],
		secret:  secret.New(randomText(40)),
		token:   secret.New(randomText(360)), // AWS's are of this order, and may grow [D]
		arn:     fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", accountOf(arn), path[len(path)-1], name),
		userID:  id + ":" + name,
		role:    arn,
		chained: chained,
		expires: c.now.Add(s.shortened(wanted)).Truncate(time.Second), // the answer has whole seconds, and holds exactly
	}
	s.issue(made, c.now)
	answer := assumedRole{RequestID: rand.Text()}
	answer.Result.User = assumedUser{made.userID, made.arn}
	answer.Result.Credentials = xmlCredentials{
		made.keyID, made.secret.Reveal(), made.token.Reveal(), made.expires.UTC().Format(time.RFC3339),
	}
	return answer, nil
}

// trusts reports whether who may assume the role: named, or, where nobody is, of the same account. An external id that
// the role does not ask for does no harm. [D]
func (r Role) trusts(who credential, externalID string) bool {
	if r.ExternalID != "" && r.ExternalID != externalID {
		return false
	}
	principal := who.arn
	if who.role != "" {
		principal = who.role // a trust policy names the role, not its session [D]
	}
	if r.Trusted == nil {
		return accountOf(principal) == accountOf(r.ARN)
	}
	return slices.Contains(r.Trusted, principal)
}

func accountOf(arn string) string {
	if fields := strings.SplitN(arn, ":", 6); len(fields) == 6 {
		return fields[4]
	}
	return ""
}

// randomText is n characters that no one can guess.
func randomText(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(rand.Text())
	}
	return b.String()[:n]
}

// The answers of the Query protocol. [D]
type (
	callerIdentity struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Result    identity `xml:"GetCallerIdentityResult"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}
	identity struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}
	assumedRole struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		Result  struct {
			User        assumedUser    `xml:"AssumedRoleUser"`
			Credentials xmlCredentials `xml:"Credentials"`
		} `xml:"AssumeRoleResult"`
		RequestID string `xml:"ResponseMetadata>RequestId"`
	}
	assumedUser struct {
		ID  string `xml:"AssumedRoleId"`
		Arn string
	}
	xmlCredentials struct {
		KeyID      string `xml:"AccessKeyId"`
		Secret     string `xml:"SecretAccessKey"`
		Token      string `xml:"SessionToken"`
		Expiration string
	}
	errorAnswer struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error   struct {
			Type, Code, Message string
		}
		RequestID string `xml:"RequestId"`
	}
)

func writeSTSError(w http.ResponseWriter, e stsError) {
	answer := errorAnswer{RequestID: rand.Text()}
	answer.Error.Type, answer.Error.Code, answer.Error.Message = "Sender", e.code, e.message
	if e.status >= http.StatusInternalServerError {
		answer.Error.Type = "Receiver"
	}
	writeXML(w, e.status, answer)
}

func writeXML(w http.ResponseWriter, status int, answer any) {
	text, err := xml.MarshalIndent(answer, "", "  ")
	if err != nil { // the types above always marshal
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
