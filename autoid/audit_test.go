package autoid

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

func TestTheAuditLeadsToCloudTrailAndHoldsNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, err := AWSKeys{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret.New(planted + "-key"), SessionToken: secret.New(planted + "-token"),
		Expires: time.Now().Add(time.Minute)}.Credential()
	if err != nil {
		t.Fatal(err)
	}
	c.Trail = Trail{Session: "lobby-tv", AWSRequest: "0a1b2c"}
	w.server.Stores["file"] = mapStore{"wall": c}
	if got := w.code(w.ask()); got != decisionIssued {
		t.Fatal(got)
	}
	var line map[string]any
	if err := json.Unmarshal(w.audit.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"access_key_id": "ASIAEXAMPLE", "session": "lobby-tv", "aws_request": "0a1b2c", "client": testClient, "decision": "issued",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %s", name, line[name], want)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, line["timestamp"].(string)); err != nil || time.Since(at) > time.Minute {
		t.Errorf("timestamp: %v, %v", line["timestamp"], err)
	}
	q := w.ask()
	q.want = "file/" + planted // what a client asks for is no secret, and is not taken for a credential
	_ = w.code(q)
	if got := w.lastLine(); got.AccessKeyID != "" || got.Session != "" {
		t.Errorf("a denied request has a trail: %+v", got)
	}
	for _, s := range []string{planted + "-key", planted + "-token", string(w.entropy.File()[:32])} {
		if strings.Contains(w.audit.String()+w.log.String(), s) {
			t.Errorf("a secret in audit or log: %s", w.audit)
		}
	}
	if decisions, unwritten := w.server.Decisions(); decisions["issued"] != 1 || decisions["denied"] != 1 || unwritten != 0 {
		t.Errorf("counted %v, %d not written", decisions, unwritten)
	}
}
