package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/kioskeeper/kioskeeper/secret"
)

const planted = "wJalrXUtnFEMI"

func TestTextNeverPrints(t *testing.T) {
	type nested struct {
		Public secret.Text
		hidden secret.Text
	}
	text := secret.New(planted)
	n := nested{text, text}
	marshalled, err := json.Marshal(map[string]any{"a": text, "b": n, "c": []secret.Text{text}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "plain", text, "nested", n, "list", []secret.Text{text})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "plain", text, "nested", n, "pointer", &n)

	printed := []string{string(marshalled), log.String(), fmt.Errorf("x: %w", fmt.Errorf("%v", n)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, v := range []any{text, &text, n, &n, []nested{n}, map[string]nested{"k": n}, n.hidden} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, p := range printed {
		if strings.Contains(p, planted) || strings.Contains(p, fmt.Sprintf("%x", planted)) {
			t.Errorf("the secret was printed: %s", p)
		}
	}
	if got := text.Reveal(); got != planted {
		t.Errorf("Reveal() = %q", got)
	}
}

func TestTextEqual(t *testing.T) {
	var zero secret.Text
	switch {
	case !secret.New("a").Equal(secret.New("a")), secret.New("a").Equal(secret.New("b")),
		!zero.Equal(secret.New("")), !zero.Empty(), secret.New("a").Empty():
		t.Error("Equal or Empty is wrong")
	}
}
