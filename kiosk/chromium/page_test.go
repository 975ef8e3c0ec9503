package chromium

import "testing"

func TestTellsNoSecretOfAnAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://127.0.0.1:8780/sign-in/ONCE":                            "127.0.0.1:8780/sign-in/…",
		"https://signin.aws.amazon.com/federation?SigninToken=ONCE":     "signin.aws.amazon.com/federation",
		"https://eu-west-1.console.aws.amazon.com/cloudwatch/home#ONCE": "eu-west-1.console.aws.amazon.com/cloudwatch/…",
		"https://user:ONCE@console.aws.amazon.com":                      "console.aws.amazon.com/",
		"about:blank":   "about:blank",
		"data:,ONCE":    "data:",
		"https://[ONCE": "an unreadable address",
	} {
		if got := where(address); got != want {
			t.Errorf("%s is told as %q, not %q", address, got, want)
		}
	}
}
