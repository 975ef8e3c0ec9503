package federation

import (
	"net/url"
	"slices"
	"strings"
)

// IsSignIn reports whether address is one that the console sends those to who are not signed in, or no longer: a host
// with "signin" in it, the console's own hop to it, or the page of somebody with too many sessions. Where the console and
// its sign-in have been seen, these are what tells one from the other.
func IsSignIn(address *url.URL) bool {
	labels := strings.Split(strings.ToLower(address.Hostname()), ".")
	return slices.Contains(labels, "signin") || address.Path == "/oauth" || address.Path == "/sessions/limit"
}

// Notices are phrases by which the console's pages say, at an address that looks well, that there is no session: it has
// expired, the link was not good, or another account is signed in. They are long enough not to stand in a dashboard's own
// text: a widget with log lines may well say that some session has expired.
func Notices() []string {
	return []string{
		"To start a new session, click the link provided by your administrator",
		"The credentials in your login link were invalid",
		"You must first log out before logging into a different AWS account",
	}
}
