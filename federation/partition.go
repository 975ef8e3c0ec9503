package federation

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A Partition is a part of AWS with accounts, sign-in and console of its own. [Choose] gives one; its bases can then be
// set to something else, such as a VPC endpoint or http://signin.localhost:8080.
type Partition struct {
	ID string // as the second part of an ARN has it: aws, aws-cn …
	// Region is taken where none is named.
	Region string
	// SignIn and Console are base addresses: scheme and host, {region} standing for the region. Console is empty where
	// AWS does not publish it.
	SignIn, Console string
}

const regionMark = "{region}"

// A located is a partition and what the names of its regions begin with.
type located struct {
	prefix string
	Partition
}

// partitions are those of "Enable custom identity broker access to the AWS console" (IAM user guide) and of the SDK's
// partition metadata. A region belongs to the first one whose prefix it has; the last one takes all that is left.
func partitions() []located {
	return []located{
		{"cn-", Partition{"aws-cn", "cn-north-1", "https://{region}.signin.amazonaws.cn", "https://console.amazonaws.cn"}},
		{"us-gov-", Partition{"aws-us-gov", "us-gov-west-1",
			"https://{region}.signin.amazonaws-us-gov.com", "https://console.amazonaws-us-gov.com"}},
		{"eusc-", Partition{"aws-eusc", "eusc-de-east-1",
			"https://{region}.signin.amazonaws-eusc.eu", "https://console.amazonaws-eusc.eu"}},
		{"us-iso-", Partition{"aws-iso", "us-iso-east-1", "https://signin.c2shome.ic.gov", ""}},
		{"us-isob-", Partition{"aws-iso-b", "us-isob-east-1", "https://signin.sc2shome.sgov.gov", ""}},
		{"eu-isoe-", Partition{"aws-iso-e", "eu-isoe-west-1", "https://signin.csphome.adc-e.uk", ""}},
		{"us-isof-", Partition{"aws-iso-f", "us-isof-south-1", "https://signin.csphome.hci.ic.gov", ""}},
		{"", Partition{"aws", "us-east-1",
			"https://{region}.signin.aws.amazon.com", "https://{region}.console.aws.amazon.com"}},
	}
}

// A region's name becomes a part of a host name that is sent secrets, so its form is checked to the letter.
var regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{1,12}){1,2}-[0-9]{1,2}$`)

// Choose finds the partition of a role and of all the regions that are to be shown, any of which may be empty. With
// nothing to go by it is aws. Where they disagree it refuses: a sign-in is good for one partition only.
func Choose(roleARN string, regions ...string) (Partition, error) {
	var chosen Partition
	var by string
	if roleARN != "" {
		p, err := ofARN(roleARN)
		if err != nil {
			return Partition{}, err
		}
		chosen, by = p, "the role"
	}
	for _, region := range regions {
		if region == "" {
			continue
		}
		p, err := ofRegion(region)
		switch {
		case err != nil:
			return Partition{}, err
		case by == "":
			chosen, by = p, "region "+region
		case p.ID != chosen.ID:
			return Partition{}, &Error{Op: "partition", Kind: WrongPartition,
				Detail: "region " + region + " is in " + p.ID + ", but " + by + " is in " + chosen.ID,
				Hint:   "use a role of the account in " + p.ID + ", or a region of " + chosen.ID}
		}
	}
	if by == "" {
		return ofRegion("us-east-1")
	}
	return chosen, nil
}

func ofRegion(region string) (Partition, error) {
	if !regionForm.MatchString(region) {
		return Partition{}, &Error{Op: "partition", Kind: Invalid, Detail: "this is not the name of a region",
			Hint: "write region as in us-east-1"}
	}
	all := partitions()
	i := slices.IndexFunc(all, func(p located) bool { return strings.HasPrefix(region, p.prefix) })
	return all[i].Partition, nil
}

func ofARN(arn string) (Partition, error) {
	all, parts := partitions(), strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" {
		if i := slices.IndexFunc(all, func(p located) bool { return p.ID == parts[1] }); i >= 0 {
			return all[i].Partition, nil
		}
	}
	return Partition{}, &Error{Op: "partition", Kind: Invalid, Detail: "this is not an ARN of a partition that is known",
		Hint: "write role.arn as in arn:aws:iam::111122223333:role/NAME"}
}

// SignInBase is where a session that starts in region is signed in to; "" is the partition's own region.
func (p Partition) SignInBase(region string) (string, error) {
	return p.base("sign-in", p.SignIn, region)
}

// ConsoleBase is where the console of region is; "" is the partition's own region.
func (p Partition) ConsoleBase(region string) (string, error) {
	if p.Console == "" {
		return "", &Error{Op: "console", Kind: Invalid, Detail: "the console's address in " + p.ID + " is not published"}
	}
	return p.base("console", p.Console, region)
}

func (p Partition) base(op, template, region string) (string, error) {
	if region == "" {
		region = p.Region
	}
	home, err := ofRegion(region)
	if err != nil {
		return "", err
	}
	if home.ID != p.ID {
		return "", &Error{Op: op, Kind: WrongPartition, Detail: "region " + region + " is in " + home.ID + ", not in " + p.ID,
			Hint: "use a region of " + p.ID}
	}
	base := strings.TrimSuffix(strings.ReplaceAll(template, regionMark, region), "/")
	if err := CheckBase(base); err != nil {
		return "", &Error{Op: op, Kind: Invalid, Detail: err.Error()}
	}
	return base, nil
}

// CheckDestination refuses an address that a sign-in of this partition cannot lead to. Not only the console's own host
// will do: some services have theirs beside it, such as REGION.quicksight.aws.amazon.com.
func (p Partition) CheckDestination(destination, region string) error {
	console, err := p.ConsoleBase(region)
	if err != nil {
		return err
	}
	base, _ := url.Parse(console) // ConsoleBase has parsed it
	domain := base.Host
	if _, after, found := strings.Cut(base.Host, "console."); found {
		domain = after
	}
	u, err := url.Parse(destination)
	if err == nil && u.User == nil && u.Scheme == base.Scheme && (u.Host == domain || strings.HasSuffix(u.Host, "."+domain)) {
		return nil
	}
	return &Error{Op: "view", Kind: Invalid, Detail: "the page is not one of the AWS console, which is at " + domain + " in " + p.ID,
		Hint: "give a page of the console, and a role of its partition; other pages cannot be shown yet"}
}

// CheckBase refuses a base address that secrets must not be sent to: it takes https, and http to this machine.
func CheckBase(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return &Error{Op: "base address", Kind: Invalid, Detail: "it is not of the form https://host[:port][/path]"}
	case u.Scheme == "https", u.Scheme == "http" && onLoopback(u.Hostname()):
		return nil
	default:
		return &Error{Op: "base address", Kind: Invalid, Detail: "secrets would travel in the clear", Hint: "use https"}
	}
}

// onLoopback reports whether host means this machine: RFC 6761 gives it all names under localhost.
func onLoopback(host string) bool {
	host = strings.ToLower(host)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// loopbackAddress gives names under localhost the address that the resolver of many a machine does not know.
func loopbackAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return address
	}
	return net.JoinHostPort("127.0.0.1", port)
}
