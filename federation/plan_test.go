package federation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kioskeeper/kioskeeper/federation"
)

type (
	wish = federation.Wish
	plan = federation.Plan
)

func TestPlansAreWhatAWSGives(t *testing.T) {
	const h, m = time.Hour, time.Minute
	tests := []struct {
		wish wish
		want plan
		why  string
	}{
		{wish{Base: federation.LongTerm, Role: true}, plan{AssumeRole: h, SessionDuration: 12 * h, Life: 12 * h},
			"outlive"},
		{wish{Base: federation.LongTerm, Role: true, Session: 8 * h, RoleMax: 4 * h},
			plan{AssumeRole: 4 * h, SessionDuration: 8 * h, Life: 8 * h}, "outlive"},
		{wish{Base: federation.LongTerm, Role: true, Session: 30 * m}, plan{AssumeRole: 30 * m, Life: 30 * m},
			"as long as"},
		{wish{Base: federation.LongTerm, Role: true, Session: 7273 * time.Second},
			plan{AssumeRole: h, SessionDuration: 2 * h, Life: 2 * h}, "outlive"},
		{wish{Base: federation.LongTerm, Role: true, RoleMax: 12 * h}, plan{AssumeRole: 12 * h, Life: 12 * h},
			"as long as"},
		{wish{Base: federation.Temporary, Role: true}, plan{AssumeRole: h, Life: h}, "chaining"},
		{wish{Base: federation.Temporary, Role: true, Session: 15 * m, RoleMax: 12 * h}, plan{AssumeRole: 15 * m, Life: 15 * m},
			"chaining"},
		{wish{Base: federation.Temporary}, plan{}, "no role"},
		{wish{Base: federation.InstanceRole}, plan{}, "no role"},
		{wish{Base: federation.InstanceRole, Role: true, RoleMax: 12 * h}, plan{AssumeRole: h, Life: h}, "instance"},
		{wish{Base: federation.InstanceRole, Role: true, Session: 6 * h}, plan{AssumeRole: 6 * h, Life: 6 * h},
			"instance"},
		{wish{Base: federation.WebIdentity}, plan{AssumeRole: h, Life: h}, "first role"},
		{wish{Base: federation.WebIdentity, RoleMax: 12 * h}, plan{AssumeRole: 12 * h, Life: 12 * h}, "first role"},
		{wish{Base: federation.RolesAnywhere, Session: 12 * h}, plan{AssumeRole: 12 * h, Life: 12 * h}, "first role"},
		{wish{Base: federation.WebIdentity, Role: true, RoleMax: 12 * h}, plan{AssumeRole: h, Life: h}, "chaining"},
		{wish{Base: federation.RolesAnywhere, Role: true}, plan{AssumeRole: h, Life: h}, "chaining"},
	}
	for _, test := range tests {
		got, err := test.wish.Plan()
		if err != nil {
			t.Errorf("%+v: %v", test.wish, err)
			continue
		}
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(federation.Plan{}, "Why")); diff != "" ||
			!strings.Contains(got.Why, test.why) {
			t.Errorf("%+v (%s):\n%s", test.wish, got.Why, diff)
		}
	}
}

func TestImpossibleWishesAreRefusedWithTheKeyThatMendsThem(t *testing.T) {
	const h = time.Hour
	tests := []struct {
		wish wish
		kind federation.Kind
		hint string
	}{
		{wish{Base: federation.Temporary, Role: true, Session: 2 * h},
			federation.WrongDuration, "role.duration to 1h"},
		{wish{Base: federation.WebIdentity, Role: true, Session: 61 * time.Minute},
			federation.WrongDuration, "role.duration to 1h"},
		{wish{Base: federation.WebIdentity, Session: 3 * h, RoleMax: 2 * h},
			federation.WrongDuration, "lower role.duration"},
		{wish{Base: federation.InstanceRole, Role: true, Session: 3 * h, RoleMax: 2 * h},
			federation.WrongDuration, "lower role.duration"},
		{wish{Base: federation.LongTerm, Role: true, Session: 13 * h}, federation.WrongDuration, "role.duration"},
		{wish{Base: federation.LongTerm, Role: true, Session: time.Minute}, federation.WrongDuration, "role.duration"},
		{wish{Base: federation.LongTerm, Role: true, Session: -h}, federation.WrongDuration, "role.duration"},
		{wish{Base: federation.LongTerm, Role: true, RoleMax: 24 * h}, federation.WrongDuration, "MaxSessionDuration"},
		{wish{Base: federation.Temporary, Session: h}, federation.WrongDuration, "role.arn"},
		{wish{Base: federation.LongTerm}, federation.WrongCredentials, "role.arn"},
		{wish{}, federation.Invalid, ""},
	}
	for _, test := range tests {
		got, err := test.wish.Plan()
		if kindOf(err) != test.kind || !strings.Contains(err.Error(), test.hint) {
			t.Errorf("%+v = %+v, %v; want %q with %q", test.wish, got, err, test.kind, test.hint)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(0, true, int64(0), int64(0))
	f.Add(1, true, int64(time.Hour), int64(12*time.Hour))
	f.Add(0, true, int64(7273*time.Second), int64(0))
	f.Add(4, true, int64(12*time.Hour), int64(12*time.Hour))
	origins := []federation.Origin{federation.LongTerm, federation.Temporary, federation.WebIdentity, federation.RolesAnywhere,
		federation.InstanceRole}
	f.Fuzz(func(t *testing.T, origin int, role bool, session, roleMax int64) {
		w := federation.Wish{Role: role, Session: time.Duration(session), RoleMax: time.Duration(roleMax)}
		w.Base = origins[uint(origin)%uint(len(origins))]
		p, err := w.Plan()
		if err != nil {
			if p != (federation.Plan{}) || kindOf(err) == "" {
				t.Errorf("%+v: a plan beside the error, or no kind: %+v, %v", w, p, err)
			}
			return
		}
		for _, d := range []time.Duration{p.AssumeRole, p.SessionDuration} {
			if d != 0 && (d < federation.ShortestSession || d > federation.LongestSession) {
				t.Errorf("%+v asks for %v", w, d)
			}
		}
		chained := role && w.Base != federation.LongTerm && w.Base != federation.InstanceRole
		switch {
		case w.Base != federation.LongTerm && p.SessionDuration != 0, chained && p.AssumeRole > federation.ChainedSession:
			t.Errorf("%+v would be a 400: %+v", w, p)
		case w.RoleMax != 0 && p.AssumeRole > w.RoleMax && !chained:
			t.Errorf("%+v asks for more than the role's maximum: %+v", w, p)
		case w.Session != 0 && p.Life > w.Session:
			t.Errorf("%+v lives longer than wished: %+v", w, p)
		case role && p.AssumeRole == 0, p.Life != max(p.AssumeRole, p.SessionDuration), p.Why == "":
			t.Errorf("%+v is not whole: %+v", w, p)
		}
	})
}
