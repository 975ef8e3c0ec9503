package awscreds_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

func kindOf(err error) federation.Kind {
	if e, ok := errors.AsType[*federation.Error](err); ok {
		return e.Kind
	}
	return ""
}

func TestAssumedForAsLongAsAskedFor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s server) {
		for asked, want := range map[time.Duration]time.Duration{0: time.Hour, 15 * time.Minute: 15 * time.Minute} {
			c, err := s.assume(t, s.user, asked)
			if err != nil {
				t.Fatal(err)
			}
			life := time.Until(c.LocalExpiry())
			if (life-want).Abs() > 30*time.Second || c.Kind() != federation.Temporary || c.Skew != 0 {
				t.Errorf("asked for %v: lives %v, %+v", asked, life, c)
			}
			if c.SecretAccessKey.Empty() || c.SessionToken.Empty() {
				t.Errorf("these are not the role's: %+v", c)
			}
			// What was given must be good for signing: the role assumes itself.
			if _, err := s.assume(t, c, 15*time.Minute); err != nil {
				t.Errorf("the role's credentials are of no use: %v", err)
			}
		}
	})
}

func TestCredentialsThatAreNotRightAreToldApart(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s server) {
		good, err := s.assume(t, s.user, 0)
		if err != nil {
			t.Fatal(err)
		}
		wrongSecret, unknown, noToken := s.user, s.user, good
		wrongSecret.SecretAccessKey = secret.New("not/the/secret/of/this/key/at/all/000000")
		unknown.AccessKeyID = "AKIANOBODYATALL00001"
		noToken.SessionToken = secret.Text{}
		for _, test := range []struct {
			name string
			base federation.Credentials
			kind federation.Kind
			says string
		}{
			{"wrong secret", wrongSecret, federation.WrongCredentials, "does not belong"},
			{"unknown key", unknown, federation.WrongCredentials, "not known"},
			{"a user who may not", s.otherUser, federation.Refused, otherUser + " may not"},
		} {
			if s.name == "moto" { // whose errors the SDK cannot read: it wraps them once more than AWS does
				test.kind, test.says = federation.Refused, "HTTP 403"
			}
			_, err := s.assume(t, test.base, 0)
			if kindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: %v; want %q with %q", test.name, err, test.kind, test.says)
			}
		}
		if s.name != "moto" { // which does not look at session tokens
			if _, err := s.assume(t, noToken, 0); kindOf(err) != federation.WrongCredentials {
				t.Errorf("no session token: %v", err)
			}
		}
	})
}

func TestDurationsThatSTSRefusesNameTheKeyToLower(t *testing.T) {
	t.Parallel()
	s, _ := standIn(t, &standin.Server{Roles: []standin.Role{{ARN: standin.DefaultRole, MaxSession: 2 * time.Hour}}})
	chained, err := s.assume(t, s.user, 0)
	if err != nil {
		t.Fatal(err)
	}
	for hint, base := range map[string]federation.Credentials{"lower role.duration to 1h": chained, "MaxSessionDuration": s.user} {
		_, err := s.assume(t, base, 3*time.Hour)
		if kindOf(err) != federation.WrongDuration || !strings.Contains(err.Error(), hint) {
			t.Errorf("%v; want the hint %q", err, hint)
		}
	}
}

func TestExternalIDAndSessionNameGetThere(t *testing.T) {
	t.Parallel()
	roles := []standin.Role{{ARN: standin.DefaultRole, ExternalID: "wall/7"}, {ARN: standin.DefaultRole + "-2", Trusted: []string{}}}
	s, _ := standIn(t, &standin.Server{Roles: roles})
	r := awscreds.Role{ARN: s.role, Endpoint: s.endpoint}
	if _, err := r.Assume(t.Context(), s.user); kindOf(err) != federation.Refused || !strings.Contains(err.Error(), "role.external_id") {
		t.Errorf("without external id: %v", err)
	}
	for name, want := range map[string]string{"": "kioskeeper", "lobby-tv": "lobby-tv"} {
		r.ExternalID, r.SessionName = "wall/7", name
		c, err := r.Assume(t.Context(), s.user)
		if err != nil {
			t.Fatal(err)
		}
		// A refusal tells who was refused, and so the session's name.
		_, err = awscreds.Role{ARN: roles[1].ARN, Endpoint: s.endpoint}.Assume(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "assumed-role/wall-viewer/"+want+" may not") {
			t.Errorf("session name %q: %v", name, err)
		}
	}
}

func TestAWrongClockIsCorrectedAndTold(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-26 * time.Hour, -10 * time.Minute, -time.Minute, 0, 3 * time.Minute, 3 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			t.Parallel()
			clock := func() time.Time { return time.Now().Add(-ahead) }
			s, _ := standIn(t, &standin.Server{Clock: clock})
			c, err := s.assume(t, s.user, 15*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			here, there := time.Until(c.LocalExpiry()), c.Expires.Sub(clock())
			if (c.Skew-ahead).Abs() > 5*time.Second || (here-15*time.Minute).Abs() > 5*time.Second ||
				(there-15*time.Minute).Abs() > 5*time.Second {
				t.Errorf("ahead by %v: %+v", ahead, c)
			}
			// Credentials that look expired, or not, by the local clock go out all the same.
			if _, err := s.assume(t, c, 15*time.Minute); err != nil {
				t.Errorf("chained: %v", err)
			}
		})
	}
}

func TestAWrongClockIsNamedWhenNothingHelps(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1") // the SDK's correction is a second attempt
	s, _ := standIn(t, &standin.Server{Clock: func() time.Time { return time.Now().Add(90*time.Minute + 30*time.Second) }})
	if _, err := s.assume(t, s.user, 0); kindOf(err) != federation.ClockWrong || !strings.Contains(err.Error(), "by -1h30m") {
		t.Error(err)
	}
}

func TestFaultsOfSTSAreToldApart(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	h := &standin.Server{}
	s, _ := standIn(t, h)
	for fault, kind := range map[standin.Kind]federation.Kind{
		standin.Broken: federation.Unavailable, standin.Dropped: federation.Unreachable,
		standin.Throttled: federation.Throttled, standin.Denied: federation.Refused, standin.Expired: federation.Expired,
	} {
		h.ClearFaults()
		if err := h.SetFault(standin.Fault{Part: standin.STS, Kind: fault}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.assume(t, s.user, 0); kindOf(err) != kind {
			t.Errorf("%s: %v, want %q", fault, err, kind)
		}
	}
}

func TestTheEnvironmentNamesTheEndpoint(t *testing.T) {
	s, _ := standIn(t, &standin.Server{})
	t.Setenv("AWS_ENDPOINT_URL_STS", s.endpoint)
	if _, err := (awscreds.Role{ARN: s.role}).Assume(t.Context(), s.user); err != nil {
		t.Error(err)
	}
}

func TestARegionOfAnotherPartitionIsRefused(t *testing.T) {
	t.Setenv("AWS_REGION", "cn-north-1")
	r := awscreds.Role{ARN: standin.DefaultRole, Endpoint: "http://127.0.0.1:1"}
	if _, err := r.Assume(t.Context(), federation.Credentials{}); kindOf(err) != federation.WrongPartition {
		t.Error(err)
	}
}

func TestRolesThatSTSWouldRefuseAreRefusedEarly(t *testing.T) {
	t.Parallel()
	good := awscreds.Role{ARN: standin.DefaultRole, SessionName: "lobby-tv", ExternalID: "a:b/c", Duration: time.Hour,
		Region: "us-east-1"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for hint, spoil := range map[string]func(r *awscreds.Role){
		"role.arn":           func(r *awscreds.Role) { r.ARN = "wall-viewer" },
		"arn:aws:iam":        func(r *awscreds.Role) { r.ARN = "arn:aws:iam::111122223333:user/x" },
		"role.session_name":  func(r *awscreds.Role) { r.SessionName = "lobby tv" },
		"role.external_id":   func(r *awscreds.Role) { r.ExternalID = "x" },
		"role.duration":      func(r *awscreds.Role) { r.Duration = time.Minute },
		"whole seconds":      func(r *awscreds.Role) { r.Duration = time.Hour + time.Millisecond },
		"use https":          func(r *awscreds.Role) { r.Endpoint = "http://sts.example.com" },
		"a region of aws":    func(r *awscreds.Role) { r.Region = "us-gov-west-1" },
		"write region as in": func(r *awscreds.Role) { r.Region = "Sydney" },
	} {
		r := good
		spoil(&r)
		if err := r.Check(); kindOf(err) == "" || !strings.Contains(err.Error(), hint) {
			t.Errorf("%+v: %v; want %q", r, err, hint)
		}
	}
}

// quoting answers every request with a part of it, in the forms that AWS and what stands before it have.
var quoting = map[string]func(w http.ResponseWriter, echo string){
	"signature":  awsError(403, "SignatureDoesNotMatch", "The Canonical String should have been %s"),
	"denied":     awsError(403, "AccessDenied", "User: %s is not authorized"),
	"validation": awsError(400, "ValidationError", "Value '%s'"),
	"code":       awsError(400, "%s", ""),
	"page":       func(w http.ResponseWriter, echo string) { fmt.Fprintf(w, "<html><p>sign in to the hotel %s", echo) },
	"page 403":   func(w http.ResponseWriter, echo string) { http.Error(w, "<html><p>"+echo, http.StatusForbidden) },
	"empty": func(w http.ResponseWriter, _ string) {
		fmt.Fprint(w, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>")
	},
	"malformed": func(w http.ResponseWriter, echo string) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			fmt.Fprintf(c, "HTTP/9 %s\r\n\r\n", echo)
			_ = c.Close()
		}
	},
}

// awsError answers in the form of STS's errors, %s standing for the echo.
func awsError(status int, code, message string) func(w http.ResponseWriter, echo string) {
	return func(w http.ResponseWriter, echo string) {
		w.WriteHeader(status)
		body := "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>"
		fmt.Fprint(w, strings.ReplaceAll(body, "%s", echo))
	}
}

func TestNoFailureTellsASecret(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	const planted = "plantedTokenIQoJb3JpZ2luX2Vj"
	base := federation.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(planted),
		SessionToken: secret.New(planted)}
	for name, answer := range quoting {
		t.Run(name, func(t *testing.T) {
			sent := ""
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = r.Header.Get("X-Amz-Security-Token")
				answer(w, sent)
			}))
			defer web.Close()
			_, err := awscreds.Role{ARN: standin.DefaultRole, Endpoint: web.URL}.Assume(t.Context(), base)
			if kindOf(err) == "" {
				t.Errorf("not an Error: %v", err)
			}
			if said := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(said, planted) {
				t.Error("the token is in", said)
			}
			if !strings.Contains(sent, planted) {
				t.Error("the token was not sent, so the test proves nothing")
			}
		})
	}
}

func TestACancelledAssumeEndsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	web := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		_ = r.ParseForm()
		<-r.Context().Done()
	}))
	defer web.Close()
	base := federation.Credentials{AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New("x")}
	_, err := awscreds.Role{ARN: standin.DefaultRole, Endpoint: web.URL}.Assume(ctx, base)
	if !errors.Is(err, context.Canceled) || kindOf(err) != federation.Unreachable {
		t.Error(err)
	}
}
