package conffile

import (
	"fmt"
	"iter"
	"time"
)

// A schema binds the declarations below to one file's structs.
type schema struct {
	folder   string
	disk     disk
	file     *File
	problems *Problems
	broken   bool // as in decoder
}

// tables gives every table that may stand in a file, outer ones first.
func tables() iter.Seq2[title, table] {
	return func(yield func(title, table) bool) {
		s := &schema{disk: nowhere{}, file: new(File), problems: new(Problems)}
		var visit func(title, table) bool
		visit = func(name title, t table) bool {
			if !yield(name, t) {
				return false
			}
			for _, e := range t.tables {
				if !visit(name.inner(e), e.open()) {
					return false
				}
			}
			return true
		}
		visit(title{}, s.top())
	}
}

func (s *schema) top() table {
	return table{
		tables: []entry{
			{name: "credentials", required: true, open: s.credentials},
			{name: "role", open: s.role},
			{name: "console", open: s.console},
			{name: "browser", open: s.browser},
			{name: "display", list: true, required: true, open: s.display},
			{name: "status", open: s.status},
		},
		check: s.checkFile,
	}
}

func (s *schema) credentials() table {
	c := &s.file.Credentials
	sources := []string{SourceAutoID, SourceAWS}
	return table{
		doc: "Where AWS credentials come from.",
		keys: []key{{
			name: "source", sample: SourceAutoID, required: true,
			doc: `"autoid": short-lived ones from an auto-id server. "aws": those of the AWS SDK's default chain ` +
				`(environment, profile, container or instance role).`,
			set: into(&c.Source, oneOf(sources, []string{"web-identity", "roles-anywhere", "ssm"})),
		}},
		tables: []entry{
			{name: "autoid", open: s.autoID},
			{name: "aws", open: s.aws},
		},
		check: func(n *node) {
			for _, other := range sources {
				given := n.child(other)
				switch {
				case c.Source == "":
				case other != c.Source && given != nil:
					s.problems.add(given.key, fmt.Sprintf("[credentials.%s] has no use with source = %q", other, c.Source),
						"remove it, or change source")
				case other == c.Source && other == SourceAutoID && n.lacks(other) && !s.broken:
					s.problems.add(n.where("source"), `[credentials.autoid] is missing for source = "autoid"`,
						"add it: kioskeeper generate config shows how")
				}
			}
		},
	}
}

func (s *schema) autoID() table {
	a := &s.file.Credentials.AutoID
	return table{
		doc: `The auto-id server and this client, for source = "autoid".`,
		keys: []key{
			{name: "server", sample: "https://id.example.com", required: true, set: into(&a.Server, serverAddress),
				doc: "The server's address: its host is the name that the server must prove. http:// is taken only for this " +
					"machine."},
			{name: "client", sample: "lobby-tv", required: true, set: into(&a.Client, clientName),
				doc: "This client's name, as in autoid client add."},
			{name: "bundle", sample: "bundle", required: true, set: into(&a.Bundle, repository(file(s.folder, s.disk.bundle))),
				doc: "Where the client's bundle is. A folder: its files belong to the user that kioskeeper runs as, and are for " +
					"that user alone (chmod 600). Or s3://bucket/prefix, npm:@scope/name, git+https://host/path, " +
					"git+ssh://user@host/path or https://host/path; with git, #branch may follow."},
			{name: "token_file", sample: "npm-token", set: into(&a.TokenFile, file(s.folder, s.disk.secret)),
				doc: "A file with what to show where the bundle is: a token, USER:TOKEN, or for git+ssh a private key (chmod 600)."},
			{name: "host_key", sample: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5vdCBhIGtleSBidXQgMzIgYnl0ZXMgb2YgdGV4dCEh",
				set: into(&a.HostKey, matching(hostKeyForm, 40, 2048, "must be a host's public key", "take the line of its .pub file")),
				doc: "The key that a git+ssh host must show: the line of its .pub file. No other is taken."},
			{name: "kms_key", sample: "arn:aws:kms:eu-central-1:111122223333:key/1f2e3d4c-0000-4000-8000-000000000000",
				set: into(&a.KMSKey, matching(kmsKeyForm, 40, 256, "must be a KMS key's ARN", "no alias: autoid client add --kms-key had it")),
				doc: "The ARN of the KMS key that the bundle is sealed with, if it is."},
			{name: "publisher", sample: "ed25519:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", required: true,
				set: into(&a.Publisher, publisherKey),
				doc: "The public key that bundles are signed with; autoid client add prints it."},
			{name: "credential", sample: "sts/wall", required: true, set: into(&a.Credential, want),
				doc: "Which credential to ask for: store/id, or store/id@version."},
		},
		check: func(n *node) { s.checkPlace(n) },
	}
}

func (s *schema) aws() table {
	a := &s.file.Credentials.AWS
	return table{
		doc: `The AWS SDK's default chain, for source = "aws".`,
		keys: []key{
			{name: "profile", sample: "wall", set: into(&a.Profile, upTo(128)),
				doc: "The profile in the SDK's shared files. Left out: the SDK's choice (AWS_PROFILE, else default)."},
			{name: "region", sample: "ap-southeast-2", set: into(&a.Region, region),
				doc: "The region whose STS is asked. Left out: the SDK's choice (AWS_REGION, else the profile's)."},
		},
	}
}

func (s *schema) role() table {
	s.file.Role = new(Role)
	r := s.file.Role
	return table{
		doc: "The role that the console is opened with. Leave the table out if the credentials are that role's already.",
		keys: []key{
			{name: "arn", sample: "arn:aws:iam::111122223333:role/wall-viewer", required: true, set: into(&r.ARN, roleARN),
				doc: "The role's ARN."},
			{name: "session_name", sample: "lobby-tv", set: into(&r.SessionName, matching(sessionNameForm, 2, 64,
				"must be 2 to 64 of A-Z a-z 0-9 _ + = , . @ -", "CloudTrail shows it: name the wall")),
				doc: "The role session name, which CloudTrail shows and a trust policy can ask for. Left out: the display's name."},
			{name: "external_id", sample: "wall-7f3a", set: into(&r.ExternalID, matching(externalIDForm, 2, 1224,
				"must be 2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -", "take it from the role's trust policy")),
				doc: "The external id, if the role's trust policy asks for one."},
			{name: "duration", sample: "1h", fallback: "1h", set: into(&r.Duration, span(15*time.Minute, 12*time.Hour)),
				doc: `How long a session lives, in whole minutes from 15m to 12h; at most 1h with source = "autoid".`},
		},
	}
}

func (s *schema) console() table {
	c := &s.file.Console
	return table{
		doc: "Where the AWS console is, if not at AWS's public addresses: a private endpoint, say.",
		keys: []key{
			{name: "sign_in", sample: "https://signin.example.internal", set: into(&c.SignIn, serverTemplate),
				doc: "The address that signs in, without /federation; {region} stands for the region. Left out: the partition's own."},
			{name: "address", sample: "https://{region}.console.example.internal", set: into(&c.Address, serverTemplate),
				doc: "The console's address; {region} stands for the region. Left out: the partition's own."},
		},
	}
}

func (s *schema) browser() table {
	b := &s.file.Browser
	return table{
		doc:   `What shows the pages. browser = "default" at the top of the file is short for the table with that kind.`,
		short: "kind",
		keys: []key{
			{name: "kind", sample: BrowserManaged, fallback: BrowserManaged,
				set: into(&b.Kind, oneOf([]string{BrowserManaged, BrowserDefault}, nil)),
				doc: `"managed": a Chromium, Chrome or Edge of kioskeeper's own, which it watches and mends. "default": the ` +
					`desktop's default browser, which it can only open pages in.`},
			{name: "path", sample: "/usr/bin/chromium", set: into(&b.Path, file(s.folder, s.disk.program)),
				doc: "The managed browser's program. Left out: the first one that is found."},
			{name: "user", sample: "kiosk", set: into(&b.User, s.user),
				doc: "The ordinary user that the managed browser runs as when kioskeeper runs as root."},
		},
		check: func(n *node) {
			for _, name := range []string{"path", "user"} {
				if c := n.child(name); c != nil && b.Kind == BrowserDefault {
					s.problems.add(c.key, name+` has no use with kind = "default"`, "remove it, or change kind")
				}
			}
		},
	}
}

// user takes the name of an ordinary user of this machine.
func (s *schema) user(v string) (string, error) {
	name, err := matching(userForm, 1, 32, "must be a user's name", `for example "kiosk"`)(v)
	if err != nil {
		return "", err
	}
	if name == "root" {
		return "", wrong("must be an ordinary user", "adduser --system kiosk makes one")
	}
	return name, s.disk.user(name)
}

func (s *schema) display() table {
	s.file.Displays = append(s.file.Displays, Display{})
	d := &s.file.Displays[len(s.file.Displays)-1]
	return table{
		doc: "A display: one screen. There may be several.",
		keys: []key{
			{name: "name", sample: "lobby", required: true, set: into(&d.Name, matching(displayForm, 2, 64,
				"must be 2 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit", `for example "lobby"`)),
				doc: "The display's name, in the status page's addresses and the log."},
		},
		tables: []entry{{name: "view", list: true, required: true, open: func() table { return s.view(d) }}},
		later:  []string{"output", "hours"},
		check: func(n *node) {
			if views := n.child("view"); views != nil && views.kind == isList && len(views.children) > 1 {
				s.problems.add(views.children[1].at, "several views on one display are not yet supported in this version",
					"remove it, or give it a display of its own")
			}
		},
	}
}

func (s *schema) view(d *Display) table {
	d.Views = append(d.Views, View{})
	v, c := &d.Views[len(d.Views)-1], new(CloudWatch)
	v.CloudWatch = c
	return table{
		doc: "The page on the display: a CloudWatch dashboard, or another page of the console.",
		keys: []key{
			{name: "cloudwatch", sample: "payments", shown: true, set: into(&c.Dashboard, upTo(255)),
				doc: "The name of a CloudWatch dashboard."},
			{name: "region", sample: "ap-southeast-2", shown: true, set: into(&c.Region, region),
				doc: "The dashboard's region; cloudwatch needs it."},
			{name: "range", sample: "3h", fallback: "3h", set: into(&c.Range, span(time.Minute, 455*24*time.Hour)),
				doc: "The time that the graphs span, in whole minutes from 1m to 455d."},
			{name: "refresh", sample: "1m", fallback: "1m", set: into(&c.Refresh, refresh),
				doc: "How often the graphs are drawn anew: 10s, 1m, 2m, 5m or 15m."},
			{name: "url", sample: "https://ap-southeast-2.console.aws.amazon.com/ecs/v2/clusters", set: into(&v.URL, pageAddress),
				doc: "The address of another page of the console, in place of cloudwatch."},
			{name: "ready", sample: "#dashboard canvas", set: into(&v.Ready, upTo(1000)),
				doc: "A CSS selector that must match something visible before the page counts as showing."},
		},
		later: []string{"dwell"},
		check: func(n *node) { s.checkView(n, v) },
	}
}

func (s *schema) status() table {
	return table{
		doc: "The status page, on this machine only.",
		keys: []key{
			{name: "listen", sample: "127.0.0.1:8780", fallback: "127.0.0.1:8780", set: into(&s.file.Status.Listen, listenAddress),
				doc: "Its host and port. The host is loopback; port 0 takes any that is free."},
		},
	}
}
