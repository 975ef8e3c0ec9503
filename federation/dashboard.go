package federation

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Form is one of the two forms that addresses of CloudWatch dashboards have.
type Form string

// The zero value is the old form: it is the one that is documented to take full screen and auto-refresh. Whether the new
// one heeds them is not; it is given them all the same, since the console passes over what it does not know.
const (
	OldForm Form = ""
	NewForm Form = "new"
)

// A Dashboard is a CloudWatch dashboard as it is to show on a wall: full screen.
type Dashboard struct {
	Name    string
	Region  string
	Range   time.Duration // what the graphs go back, in whole minutes; 0: as the dashboard was saved
	Refresh time.Duration // one of Refreshes; 0: as the dashboard was saved
	Form    Form
}

// Refreshes are the intervals that the console offers.
func Refreshes() []time.Duration {
	return []time.Duration{10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}
}

// longestRange is how long CloudWatch keeps metrics: 15 months (455 days).
const longestRange = 455 * 24 * time.Hour

// Address is where the dashboard is in the console of p.
func (d Dashboard) Address(p Partition) (string, error) {
	refuse := func(detail, hint string) (string, error) {
		return "", &Error{Op: "dashboard", Kind: Invalid, Detail: detail, Hint: hint}
	}
	switch {
	case d.Name == "":
		return refuse("it has no name", "set cloudwatch to the dashboard's name")
	case d.Region == "":
		return refuse("it has no region", "set region")
	case d.Range < 0 || d.Range > longestRange || d.Range%time.Minute != 0:
		return refuse("its range is not in whole minutes from 1m to 10920h", "set range as in 3h")
	case d.Refresh != 0 && !slices.Contains(Refreshes(), d.Refresh):
		return refuse(fmt.Sprintf("the console does not refresh every %v", d.Refresh), "set refresh to 10s, 1m, 2m, 5m or 15m")
	}
	console, err := p.ConsoleBase(d.Region)
	if err != nil {
		return "", err
	}

	options := []string{"expand=true"}
	if d.Refresh != 0 {
		options = append(options, "autoRefresh="+strconv.Itoa(int(d.Refresh/time.Second)))
	}
	if d.Range != 0 {
		options = append(options, "start="+isoDuration(d.Range))
	}
	var fragment string
	switch d.Form {
	case OldForm:
		fragment = "dashboards:name=" + escape(d.Name) + ";" + strings.Join(options, ";")
	case NewForm:
		if d.Range != 0 {
			options = append(options, "end=null") // up to now
		}
		fragment = "dashboards/dashboard/" + escape(d.Name) + "?" + strings.Join(options, "&")
	default:
		return refuse("there is no such form of address", `leave form out, or set it to "new"`)
	}
	return console + "/cloudwatch/home?region=" + d.Region + "#" + fragment, nil
}

// escape is JavaScript's encodeURIComponent, which is what the console's router undoes: %20 for a space, and no character
// left that divides fields in either form.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// isoDuration writes whole minutes by ISO 8601, as the console does.
func isoDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("PT%dH", d/time.Hour)
	}
	return fmt.Sprintf("PT%dM", d/time.Minute)
}
