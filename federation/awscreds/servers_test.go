package awscreds_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/federation/awscreds"
	"github.com/kioskeeper/kioskeeper/internal/standin"
	"github.com/kioskeeper/kioskeeper/secret"
)

// TestMain keeps this machine's own AWS settings out of the tests, and says which servers they run against.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") && name != "AWS_CA_BUNDLE" {
			_ = os.Unsetenv(name)
		}
	}
	for name, value := range map[string]string{"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true"} {
		_ = os.Setenv(name, value)
	}
	servers := "the stand-in"
	if _, err := exec.LookPath("moto_server"); err == nil {
		servers += " and moto_server"
	}
	fmt.Println("awscreds is tested against", servers)
	os.Exit(m.Run())
}

// A server is an STS that verifies what it is sent: a user who may assume the role, and one who may not.
type server struct {
	name, endpoint, role string
	user, otherUser      federation.Credentials
}

func (s server) assume(t *testing.T, base federation.Credentials, duration time.Duration) (federation.Credentials, error) {
	t.Helper()
	return awscreds.Role{ARN: s.role, Duration: duration, Endpoint: s.endpoint}.Assume(t.Context(), base)
}

// onEach runs a promise against every server that there is.
func onEach(t *testing.T, promise func(t *testing.T, s server)) {
	t.Run("stand-in", func(t *testing.T) {
		t.Parallel()
		s, _ := standIn(t, &standin.Server{})
		promise(t, s)
	})
	if _, err := exec.LookPath("moto_server"); err == nil {
		t.Run("moto", func(t *testing.T) {
			t.Parallel()
			promise(t, moto(t))
		})
	}
}

const (
	otherKeyID = "AKIAOTHERUSERTEST001"
	otherUser  = "arn:aws:iam::444455556666:user/somebody-else" // of another account, so not trusted
)

func standIn(t *testing.T, h *standin.Server) (server, standin.Addresses) {
	t.Helper()
	h.Users = []standin.User{
		{AccessKeyID: standin.DefaultAccessKeyID, Secret: secret.New(standin.DefaultSecretKey), ARN: standin.DefaultUser},
		{AccessKeyID: otherKeyID, Secret: secret.New(standin.DefaultSecretKey), ARN: otherUser},
	}
	if h.Roles == nil {
		h.Roles = []standin.Role{{ARN: standin.DefaultRole, MaxSession: 12 * time.Hour}}
	}
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	at := standin.At(web.Listener.Addr())
	return server{"stand-in", at.STS, standin.DefaultRole,
		federation.Credentials{AccessKeyID: standin.DefaultAccessKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)},
		federation.Credentials{AccessKeyID: otherKeyID, SecretAccessKey: secret.New(standin.DefaultSecretKey)}}, at
}

// moto starts a moto_server, makes two users and a role in it, and then turns on its checks.
func moto(t *testing.T) server {
	t.Helper()
	command := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", "0")
	said, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout = command.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // t.Context has ended it by then
	s := server{name: "moto", role: "arn:aws:iam::123456789012:role/wall"}
	lines := bufio.NewScanner(said)
	for s.endpoint == "" && lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "Running on "); ok {
			s.endpoint = address
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // it must not block on its log
	if s.endpoint == "" {
		t.Fatal("moto_server did not start")
	}

	s.user, s.otherUser = motoUser(t, s.endpoint, "display"), motoUser(t, s.endpoint, "other")
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],"Resource":"*"}]}`
	motoIAM(t, s.endpoint, "PutUserPolicy", url.Values{"UserName": {"display"}, "PolicyName": {"assume"}, "PolicyDocument": {allow}})
	motoIAM(t, s.endpoint, "CreateRole", url.Values{"RoleName": {"wall"}, "AssumeRolePolicyDocument": {allow}})
	motoIAM(t, s.endpoint, "PutRolePolicy", url.Values{"RoleName": {"wall"}, "PolicyName": {"assume"}, "PolicyDocument": {allow}})
	resp, err := http.Post(s.endpoint+"/moto-api/reset-auth", "text/plain", strings.NewReader("0"))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal("moto does not turn on its checks: ", err)
	}
	_ = resp.Body.Close()
	return s
}

// motoIAM makes an IAM call without a signature, which moto takes until its checks are on.
func motoIAM(t *testing.T, endpoint, action string, form url.Values) []byte {
	t.Helper()
	form.Set("Action", action)
	form.Set("Version", "2010-05-08")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", action, resp.Status, body, err)
	}
	return body
}

func motoUser(t *testing.T, endpoint, name string) federation.Credentials {
	t.Helper()
	motoIAM(t, endpoint, "CreateUser", url.Values{"UserName": {name}})
	var made struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := xml.Unmarshal(motoIAM(t, endpoint, "CreateAccessKey", url.Values{"UserName": {name}}), &made); err != nil {
		t.Fatal(err)
	}
	return federation.Credentials{AccessKeyID: made.ID, SecretAccessKey: secret.New(made.Secret)}
}

// processJSON is what a credential_process, and so the auto-id server, gives for c.
func processJSON(t *testing.T, c federation.Credentials) secret.Text {
	t.Helper()
	members := map[string]any{"Version": 1, "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey.Reveal()}
	if !c.SessionToken.Empty() {
		members["SessionToken"], members["Expiration"] = c.SessionToken.Reveal(), c.Expires.UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return secret.New(string(text))
}
