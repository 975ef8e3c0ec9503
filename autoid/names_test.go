package autoid

import (
	"fmt"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for name, ok := range map[string]bool{
		"a": true, "lobby-tv": true, "a.b_c-9": true, long: true, "0": true, "com": true, "console": true, "com10": true,
		"": false, long + "a": false, "-a": false, "a-": false, ".a": false, "A": false, "a b": false, "a/b": false, "ä": false,
		"con": false, "nul.tv": false, "com0": false, "lpt9.x.y": false, "a\n": false,
	} {
		if err := CheckClient(name); (err == nil) != ok {
			t.Errorf("client %q: %v", name, err)
		}
	}
	for name, ok := range map[string]bool{
		"id.example.com": true, "localhost": true, "127.0.0.1": true, "a-b.c": true,
		"": false, "id.example.com.": false, "id.example.com:443": false, "ID": false, "a..b": false, "-a.b": false, "::1": false,
		strings.Repeat("a.", 127): false, strings.Repeat("a", 64): false,
	} {
		if err := CheckServerName(name); (err == nil) != ok {
			t.Errorf("server %q: %v", name, err)
		}
	}
	for want, parsed := range map[string]Want{
		"sts/wall": {"sts", "wall", ""}, "file/a/b.c@2": {"file", "a/b.c", "2"}, "s/a@b@c": {"s", "a@b", "c"},
		"s/...": {}, "s/a..b": {}, "s/./a": {}, "s/.": {}, "s/.@1": {}, "/a": {}, "s/": {}, "s": {}, "s/a@": {}, "s/@1": {}, "a@b/c": {},
		"s//a": {}, "s/a b": {}, "s/" + strings.Repeat("a", 511): {}, "": {},
	} {
		if got, err := ParseWant(want); got != parsed || (err == nil) != (parsed != Want{}) {
			t.Errorf("want %q: %+v, %v", want, got, err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	seed := must(key.private.Bytes())
	e := must(ParseEntropy([]byte(strings.Repeat("planted!", EntropySize/8))))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, v := range []any{key, &key, []Key{key}, Identity{Keys: []Key{key}}, e, []*Entropy{e}} {
			printed := fmt.Sprintf(verb, v)
			for _, secret := range []string{string(seed), fmt.Sprintf("%x", seed), "planted", "706c616e746564", "112 108 97 110"} {
				if strings.Contains(printed, secret) {
					t.Errorf("%s of %T: %.100s", verb, v, printed)
				}
			}
		}
	}
}

func TestAllThatIsWrongWithAClientsFileIsToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ParseClientFile([]byte(`{
  "revokd": true,
  "policy": {
    "allow": [
      {"want": "sts"},
      {"want": "sts/wall", "max_duration": "1 hour", "networks": ["10.0.0.0"]},
      {"want": "sts/wall", "max_duration": "1s"}
    ],
    "per_hour": -1
  },
  "evidence": {"alone": true, "any_of": [{"kind": "oidc"}, {"kind": "device-p256", "public": "AAAA"}]},
  "entropy": [{"egen": 1, "file": "x"}, {"egen": 1, "file": "../x", "not_after": "soon"}]
}`), nil)
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"line 2, column 3: revokd: unknown key", `line 5, column 16: policy.allow[0].want: want "sts"`,
		"line 6, column 44: policy.allow[1].max_duration: ", "line 6, column 67: policy.allow[1].networks[0]: ",
		"line 7, column 16: policy.allow[2].want: allowed twice", "line 7, column 44: policy.allow[2].max_duration: a minute at least",
		"line 9, column 17: policy.per_hour: must not be negative", `line 11, column 42: evidence.any_of[0]: kind "oidc": unknown here`,
		"line 11, column 60: evidence.any_of[1]: public: not base64", "line 12, column 50: entropy[1].egen: must be over 0 and given once",
		"line 12, column 61: entropy[1].file: ", "line 12, column 82: entropy[1].not_after: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
}
