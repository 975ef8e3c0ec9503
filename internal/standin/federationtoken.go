package standin

import (
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	maxFederated      = 36 * time.Hour // [D]
	maxPolicy         = 2048           // characters of a session policy [D]
	defaultFederation = 12 * time.Hour
)

var (
	federatedName      = regexp.MustCompile(`^[\w+=,.@-]{2,32}$`)
	sourceIdentityForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// narrowing refuses a session policy or source identity that AWS refuses. What a policy allows is not looked at: nothing
// is served here that one could allow.
func (c *call) narrowing() *stsError {
	policy := c.Form.Get("Policy")
	switch {
	case len(policy) > maxPolicy:
		return invalid("1 validation error detected: Value at 'policy' failed to satisfy constraint: " +
			"Member must have length less than or equal to 2048")
	case policy != "" && !json.Valid([]byte(policy)):
		return &stsError{http.StatusBadRequest, "MalformedPolicyDocument", "Syntax errors in policy."}
	case c.Form.Has("SourceIdentity") && !sourceIdentityForm.MatchString(c.Form.Get("SourceIdentity")):
		return invalid("1 validation error detected: Value at 'sourceIdentity' failed to satisfy constraint: " +
			`Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	return nil
}

// getFederationToken answers GetFederationToken, which only a user's own keys can call. [D]; the text [I, terraform-provider-aws]
func (s *Server) getFederationToken(c *call, who credential) (any, *stsError) {
	name := c.Form.Get("Name")
	if who.role != "" || !who.expires.IsZero() {
		return nil, &stsError{http.StatusForbidden, "AccessDenied", "Cannot call GetFederationToken with session credentials"}
	}
	if !federatedName.MatchString(name) {
		return nil, invalid(`1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must `+
			`satisfy regular expression pattern: [\w+=,.@-]* and have length between 2 and 32`, name)
	}
	wanted := defaultFederation
	if text := c.Form.Get("DurationSeconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < int(minSession/time.Second) || seconds > int(maxFederated/time.Second) {
			return nil, invalid("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: "+
				"Member must have value between 900 and 129600", text)
		}
		wanted = time.Duration(seconds) * time.Second
	}
	account := accountOf(who.arn)
	made := credential{
		keyID:   "ASIA" + rand.Text()[:16],
		secret:  secret.New(randomText(40)),
		token:   secret.New(randomText(360)),
		arn:     fmt.Sprintf("arn:aws:sts::%s:federated-user/%s", account, name),
		userID:  account + ":" + name,
		expires: c.now.Add(s.shortened(wanted)).Truncate(time.Second),
	}
	s.issue(made, c.now)
	answer := federationToken{RequestID: rand.Text()}
	answer.Result.User.ID, answer.Result.User.Arn = made.userID, made.arn
	answer.Result.Credentials = xmlCredentials{
		made.keyID, made.secret.Reveal(), made.token.Reveal(), made.expires.UTC().Format(time.RFC3339),
	}
	return answer, nil
}

type federationToken struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetFederationTokenResponse"`
	Result  struct {
		User struct {
			ID  string `xml:"FederatedUserId"`
			Arn string
		} `xml:"FederatedUser"`
		Credentials xmlCredentials `xml:"Credentials"`
	} `xml:"GetFederationTokenResult"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
}
