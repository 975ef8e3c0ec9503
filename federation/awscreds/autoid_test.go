package awscreds

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kioskeeper/kioskeeper/federation"
	"github.com/kioskeeper/kioskeeper/secret"
)

const whole = `{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"k","SessionToken":"t","Expiration":"2026-01-02T03:04:05Z"}`

func TestParseTakesWhatACredentialProcessGives(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{whole, " " + strings.Replace(whole, "{", `{"AccountId":"111122223333",`, 1) + "\n",
		strings.Replace(whole, "03:04:05Z", "13:04:05+10:00", 1)} {
		c, err := parse(secret.New(text))
		if err != nil || c.AccessKeyID != "ASIAIOSFODNN7EXAMPLE" || !c.SecretAccessKey.Equal(secret.New("k")) ||
			!c.SessionToken.Equal(secret.New("t")) || !c.Expires.Equal(want) || c.Kind() != federation.Temporary {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
	c, err := parse(secret.New(`{"Version":1,"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"k"}`))
	if err != nil || c.Kind() != federation.LongTerm || !c.Expires.IsZero() {
		t.Errorf("long-term: %+v, %v", c, err)
	}
}

// spoilt is what parse refuses, by what it says.
var spoilt = map[string]string{
	`[]`:                                    "not a JSON object",
	``:                                      "not a JSON object",
	`{"Version":1`:                          "well-formed",
	`{"Version":1,}`:                        "well-formed",
	`{"Version":}`:                          "well-formed",
	whole + `{}`:                            "follows",
	whole + `x`:                             "follows",
	`{"Version":2}`:                         "Version is not 1",
	`{"Version":"1"}`:                       "Version is not 1",
	`{"Version":1,"Version":1}`:             "twice",
	`{"Version":1,"AccessKeyId":{}}`:        "not a string",
	`{"Version":1,"SecretAccessKey":null}`:  "not a string",
	`{"Version":1,"accessKeyId":"x"}`:       "not known",
	`{"Version":1}`:                         "AccessKeyId",
	`{}`:                                    "no Version",
	strings.Replace(whole, `"k"`, `""`, 1):  "no SecretAccessKey",
	strings.Replace(whole, `"t"`, `""`, 1):  "no SessionToken",
	strings.Replace(whole, "IOSFO", " ", 1): "AccessKeyId",
	strings.Replace(whole, "T03", " 03", 1): "Expiration",
	strings.Replace(whole, "2026", "99", 1): "Expiration",
	whole + strings.Repeat(" ", 1<<16):      "64 KiB",
	strings.Replace(whole, `,"Expiration":"2026-01-02T03:04:05Z"`, "", 1): "when its session ends",
}

func TestParseRefusesWhatIsDoubtful(t *testing.T) {
	for text, want := range spoilt {
		if c, err := parse(secret.New(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %+v, %v; want %q", text, c, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	for text := range spoilt {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(secret.New(text))
		e, typed := errors.AsType[*federation.Error](err)
		switch {
		case err != nil && (!typed || e.Cause != nil || !c.SecretAccessKey.Empty()):
			t.Errorf("more than a plain error: %v", err)
		case err == nil && (c.SecretAccessKey.Empty() || c.AccessKeyID == "" || !c.SessionToken.Empty() && c.Expires.IsZero()):
			t.Errorf("%q gave %+v", text, c)
		}
	})
}
