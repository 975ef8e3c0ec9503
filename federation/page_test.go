package federation_test

import (
	"net/url"
	"testing"

	"github.com/kioskeeper/kioskeeper/federation"
)

func TestIsSignIn(t *testing.T) {
	for address, want := range map[string]bool{
		"https://signin.aws.amazon.com/federation":                                       true,
		"https://us-east-1.signin.aws.amazon.com/oauth?Action=logout":                    true,
		"https://eu-west-1.signin.amazonaws.cn/":                                         true,
		"https://ap-southeast-2.console.aws.amazon.com/oauth?code=x":                     true,
		"https://ap-southeast-2.console.aws.amazon.com/sessions/limit":                   true,
		"https://SIGNIN.localhost:8080/":                                                 true,
		"https://ap-southeast-2.console.aws.amazon.com/cloudwatch/home":                  false,
		"https://111122223333-abcdefgh.us-east-1.console.aws.amazon.com/cloudwatch/home": false,
		"https://designing.example.com/":                                                 false,
		"about:blank":                                                                    false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := federation.IsSignIn(u); got != want {
			t.Errorf("IsSignIn(%s) = %v", address, got)
		}
	}
}
