package strictjson_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kioskeeper/kioskeeper/autoid/internal/strictjson"
)

type period struct {
	From time.Time `json:"from"`
}

type inner struct {
	Name  string `json:"name"`
	Count uint8  `json:"count"`
	period
}

type outer struct {
	On   bool            `json:"on"`
	List []inner         `json:"list"`
	Raw  json.RawMessage `json:"raw"`
	Deep struct {
		Words []string `json:"words"`
	} `json:"deep"`
}

func TestDecodesWhatIsRight(t *testing.T) {
	t.Parallel()
	var o outer
	f := strictjson.Decode([]byte(`{"on": true, "list": [{"name": "a", "count": 255, "from": "2026-01-02T03:04:05Z"}, {}],
		"raw": {"x": [1]}, "deep": {"words": ["a", "b"]}}`), &o)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	if !o.On || len(o.List) != 2 || o.List[0].Name != "a" || o.List[0].Count != 255 || o.List[0].From.Year() != 2026 ||
		string(o.Raw) != `{"x": [1]}` || cmp.Diff(o.Deep.Words, []string{"a", "b"}) != "" {
		t.Errorf("%+v", o)
	}
}

func TestTellsAllThatIsWrongAtOnce(t *testing.T) {
	t.Parallel()
	var o outer
	f := strictjson.Decode([]byte(`{
  "on": "yes",
  "list": [
    {"name": 1, "count": 256},
    {"nmae": "a", "name": "b", "name": "c"},
    7
  ],
  "On": true,
  "raw": null,
  "deep": {"words": ["a", 2], "from": "never"}
}`), &o)
	f.Problem("list[1].count", errors.New("must be given"))
	f.Problem("nothing.here", errors.New("must be given"))
	f.Problem("on", nil)
	var got strictjson.Problems
	if !errors.As(f.Err(), &got) {
		t.Fatal(f.Err())
	}
	want := strictjson.Problems{
		{1, 1, "nothing.here", "must be given"},
		{2, 9, "on", "want true or false"},
		{4, 14, "list[0].name", "want a string"},
		{4, 26, "list[0].count", "want a whole number that fits uint8"},
		{5, 5, "list[1].count", "must be given"},
		{5, 6, "list[1].nmae", "unknown key; there are count, from, name"},
		{5, 32, "list[1].name", "given twice"},
		{6, 5, "list[2]", "want an object"},
		{8, 3, "On", "unknown key; there are deep, list, on, raw"},
		{9, 10, "raw", "null: leave it out"},
		{10, 27, "deep.words[1]", "want a string"},
		{10, 31, "deep.from", "unknown key; there are words"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestBrokenTextIsOneProblem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `{"on"`, `{"on":`, `{"on": tru}`, `{"list": [{]}`, `[]`, `{} {}`, `{"on": true}]`, "\x00"} {
		var got strictjson.Problems
		var o outer
		if err := strictjson.Decode([]byte(text), &o).Err(); !errors.As(err, &got) || len(got) == 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What it takes, encoding/json takes too, and reads the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"on": true, "list": [{"name": "a", "count": 1}], "raw": [1], "deep": {"words": ["a"]}}`))
	f.Add([]byte(`{"on": 1, "list": [{"nmae": 1}, 2], "raw": null}`))
	f.Add([]byte(`{"list":[[]]}`))
	f.Add([]byte("{\n\"deep\":{}}x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var ours, theirs outer
		err := strictjson.Decode(data, &ours).Err()
		var problems strictjson.Problems
		if err != nil {
			if !errors.As(err, &problems) || problems[0].Line < 1 || problems[0].Column < 1 {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if err := json.Unmarshal(data, &theirs); err != nil {
			t.Fatalf("%q: encoding/json says %v", data, err)
		}
		if len(ours.List) == 0 {
			ours.List, theirs.List = nil, nil
		}
		if len(ours.Deep.Words) == 0 {
			ours.Deep.Words, theirs.Deep.Words = nil, nil
		}
		a, errA := json.Marshal(ours)
		b, errB := json.Marshal(theirs)
		if string(a) != string(b) || (errA == nil) != (errB == nil) {
			t.Fatalf("%q: %s, encoding/json %s", data, a, b)
		}
	})
}
