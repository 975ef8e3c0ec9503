package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

const (
	opToken      = "getSigninToken"
	tokenTimeout = 20 * time.Second // for one try
	// An answer is one token of about 1.5 kB. The cap keeps whatever a captive portal sends out of memory.
	tokenAnswerMax = 64 << 10
)

// signinToken is the answer to getSigninToken.
type signinToken struct {
	value secret.Text
	asked time.Time     // this machine's time when it was asked for
	skew  time.Duration // how far that is ahead of AWS's
	dated bool          // the answer told the time
}

// getSigninToken asks for a sign-in token. It posts: in a GET the secret key would be a part of the address, and net/http
// puts the address into its errors, as do proxies into their logs.
func getSigninToken(ctx context.Context, client *http.Client, endpoint string, c Credentials, session time.Duration,
) (signinToken, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(tokenRequest(c, session)))
	if err != nil {
		return signinToken{}, &Error{Op: opToken, Kind: Invalid, Detail: "the sign-in address cannot be used"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")

	t := signinToken{asked: time.Now().Round(0)} // by the wall clock: the other one stands still in suspend
	resp, err := client.Do(req)
	if err != nil {
		return t, NetworkError(opToken, err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Age") == "" { // a cached answer tells the time of long ago
		t.skew, t.dated = skew(resp.Header.Get("Date"), t.asked, time.Now())
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenAnswerMax+1))
	switch {
	case err != nil:
		return t, NetworkError(opToken, err)
	case len(body) > tokenAnswerMax:
		return t, &Error{Op: opToken, Kind: Unexpected, Status: resp.StatusCode,
			Detail: "the answer is too long", Hint: hintPortal}
	case resp.StatusCode != http.StatusOK:
		expired := t.dated && !c.Expires.IsZero() && t.asked.Add(-t.skew).After(c.Expires)
		return t, classify(resp.StatusCode, body, expired)
	}
	t.value, err = parseToken(body)
	return t, err
}

// tokenRequest is the form that is posted.
func tokenRequest(c Credentials, session time.Duration) string {
	credentials, _ := json.Marshal(struct { // strings always marshal
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()})
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(credentials)}}
	if session != 0 {
		form.Set("SessionDuration", strconv.Itoa(int(session/time.Second)))
	}
	return form.Encode()
}

const hintPortal = "check that no proxy or captive portal answers in place of AWS"

// parseToken reads the answer to a request that went well.
func parseToken(body []byte) (secret.Text, error) {
	var answer struct{ SigninToken string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.SigninToken == "" {
		return secret.Text{}, &Error{Op: opToken, Kind: Unexpected, Status: http.StatusOK,
			Detail: "the answer holds no sign-in token", Hint: hintPortal}
	}
	return secret.New(answer.SigninToken), nil
}

// classify makes an error of an answer, which may be JSON, HTML or text. Known phrases are recognised and the rest is
// dropped, since the answer to a bad request may quote it.
func classify(status int, body []byte, expired bool) *Error {
	e := &Error{Op: opToken, Kind: Refused, Status: status}
	says := func(phrase string) bool { return bytes.Contains(bytes.ToLower(body), []byte(phrase)) }
	switch {
	case status == http.StatusTooManyRequests, says("throttl"), says("rate exceeded"):
		e.Kind, e.Hint = Throttled, "fewer sign-ins at once help"
	case status >= 500:
		e.Kind = Unavailable
	case status < 400:
		e.Kind, e.Detail, e.Hint = Unexpected, "a redirect, which is not followed with credentials", hintPortal
	case says("only federation tokens or assume role tokens"):
		e.Kind, e.Hint = WrongCredentials, "set role.arn: the console takes an assumed role's credentials only"
	case expired:
		e.Kind = Expired
	case says("credentials in your login link were invalid"):
		e.Kind, e.Hint = WrongPartition, "use the sign-in host of the role's partition: see role.arn and region"
	case says("invalid credentials"):
		e.Detail = "the credentials were not accepted"
		e.Hint = "they may have expired or be of another partition; see also role.duration"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Hint = "a sign-in resource policy may allow other networks only"
	default:
		e.Detail = fmt.Sprintf("an answer of %d bytes that is not known", len(body))
	}
	return e
}

// skew is how far this machine's clock, which showed from and to around the answer, is ahead of a Date header.
func skew(date string, from, to time.Time) (ahead time.Duration, ok bool) {
	t, err := http.ParseTime(date)
	if err != nil {
		return 0, false
	}
	// A Date names the second that it lies in, and was written somewhere between from and to. What that leaves open is
	// taken as no skew at all.
	earliest, latest := from.Sub(t.Add(time.Second)), to.Sub(t)
	switch {
	case earliest > 0:
		return earliest, true
	case latest < 0:
		return latest, true
	default:
		return 0, true
	}
}
