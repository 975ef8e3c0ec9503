package standin

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/secret"
)

// call makes a signed call of the JSON protocol, and returns the answer or the refusal's code.
func (w *world) call(k keys, service, target, body string) (map[string]any, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.STS+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	sign(r, k, w.now(), []byte(body), "eu-west-1", service)
	resp, err := w.client.Do(r)
	got := read(w.t, resp, err)
	var answer map[string]any
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		w.t.Fatalf("%d %s", got.status, got.body)
	}
	code, _ := answer["__type"].(string)
	if (got.status == http.StatusOK) != (code == "") || got.header.Get("X-Amzn-ErrorType") != code {
		w.t.Errorf("%d %s", got.status, got.body)
	}
	return answer, code
}

const firstID, secondID = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"

func stocked() *Server {
	return &Server{
		Secrets: []Secret{{"wall", []SecretVersion{
			{ID: firstID, Stages: []string{"AWSPREVIOUS"}, Text: secret.New("old")},
			{ID: secondID, Stages: []string{"AWSCURRENT", "blue"}, Text: secret.New("new")},
		}}},
		Parameters: []Parameter{
			{Name: "/wall/token", Versions: []secret.Text{secret.New("one"), secret.New("two")}, Labels: map[string]int{"blue": 1}},
			{Name: "plain", Type: "String", Versions: []secret.Text{secret.New("open")}},
		},
	}
}

func TestSecretsByVersionAndStage(t *testing.T) {
	t.Parallel()
	w := start(t, stocked())
	for body, want := range map[string]string{
		`{"SecretId":"wall"}`:                                                     "new",
		`{"SecretId":"wall","VersionStage":"AWSPREVIOUS"}`:                        "old",
		`{"SecretId":"wall","VersionId":"` + firstID + `"}`:                       "old",
		`{"SecretId":"wall","VersionId":"` + firstID + `","VersionStage":"blue"}`: "InvalidRequestException",
		`{"SecretId":"wall","VersionStage":"green"}`:                              "ResourceNotFoundException",
		`{"SecretId":"wall","VersionId":"33333333-1111-1111-1111-111111111111"}`:  "ResourceNotFoundException",
		`{"SecretId":"hall"}`:                                                     "ResourceNotFoundException",
		`{"SecretId":""}`:                                                         "ValidationException",
		`{"SecretId":"wall","VersionId":"short"}`:                                 "ValidationException",
		`{`: "SerializationException",
	} {
		answer, code := w.call(defaultKeys, "secretsmanager", "secretsmanager.GetSecretValue", body)
		if got, _ := answer["SecretString"].(string); got+code != want {
			t.Errorf("%s: %v", body, answer)
		}
	}
}

func TestParametersByVersionAndLabel(t *testing.T) {
	t.Parallel()
	w := start(t, stocked())
	for body, want := range map[string]string{
		`{"Name":"/wall/token","WithDecryption":true}`:      "two",
		`{"Name":"/wall/token:1","WithDecryption":true}`:    "one",
		`{"Name":"/wall/token:blue","WithDecryption":true}`: "one",
		`{"Name":"/wall/token:3","WithDecryption":true}`:    "ParameterVersionNotFound",
		`{"Name":"/wall/token:red","WithDecryption":true}`:  "ParameterVersionNotFound",
		`{"Name":"/wall/token"}`:                            "AQICAHsealed",
		`{"Name":"plain"}`:                                  "open",
		`{"Name":"/hall"}`:                                  "ParameterNotFound",
		`{"Name":"wall/token"}`:                             "ValidationException",
	} {
		answer, code := w.call(defaultKeys, "ssm", "AmazonSSM.GetParameter", body)
		parameter, _ := answer["Parameter"].(map[string]any)
		if got, _ := parameter["Value"].(string); got+code != want {
			t.Errorf("%s: %v", body, answer)
		}
	}
}

func TestTheJSONProtocolRefusesWhatIsNotSignedRight(t *testing.T) {
	t.Parallel()
	w := start(t, stocked())
	const target, body = "AmazonSSM.GetParameter", `{"Name":"plain"}`
	for want, call := range map[string]func() (map[string]any, string){
		"UnrecognizedClientException": func() (map[string]any, string) {
			return w.call(keys{"AKIANOBODY0000000000", "x", ""}, "ssm", target, body)
		},
		"InvalidSignatureException": func() (map[string]any, string) { return w.call(defaultKeys, "sts", target, body) },
		"UnknownOperationException": func() (map[string]any, string) { return w.call(defaultKeys, "ssm", "AmazonSSM.DeleteAll", body) },
		"ThrottlingException": func() (map[string]any, string) {
			mustFault(t, w.Server, Fault{Part: SSM, Kind: Throttled, Count: 1})
			return w.call(defaultKeys, "ssm", target, body)
		},
		"AccessDeniedException": func() (map[string]any, string) {
			mustFault(t, w.Server, Fault{Part: SecretsManager, Kind: Denied, Count: 1})
			return w.call(defaultKeys, "secretsmanager", "secretsmanager.GetSecretValue", `{"SecretId":"wall"}`)
		},
	} {
		if answer, code := call(); code != want {
			t.Errorf("%v, want %s", answer, want)
		}
	}
}

func TestFederationTokensAreForUsersOwnKeys(t *testing.T) {
	t.Parallel()
	w := start(t, &Server{})
	form := func(name, seconds, policy string) url.Values {
		return url.Values{"Action": {"GetFederationToken"}, "Version": {"2011-06-15"}, "Name": {name},
			"DurationSeconds": {seconds}, "Policy": {policy}}
	}
	if got := w.signed(defaultKeys, form("lobby-tv", "129600", `{}`)); !strings.Contains(got.body, "federated-user/lobby-tv</Arn>") {
		t.Errorf("%d %s", got.status, got.body)
	}
	role, _ := w.assumed(defaultKeys, DefaultRole, time.Hour)
	for want, got := range map[string]answer{
		"AccessDenied":            w.signed(role, form("lobby-tv", "900", "{}")),
		"ValidationError":         w.signed(defaultKeys, form("x", "900", "{}")),
		"MalformedPolicyDocument": w.signed(defaultKeys, form("lobby-tv", "900", "{")),
	} {
		if code, message := refusal(t, got); code != want {
			t.Errorf("%s %q, want %s", code, message, want)
		}
	}
	for _, seconds := range []string{"899", "129601", "x"} {
		if code, _ := refusal(t, w.signed(defaultKeys, form("lobby-tv", seconds, "{}"))); code != "ValidationError" {
			t.Errorf("%s s: %s", seconds, code)
		}
	}
}
