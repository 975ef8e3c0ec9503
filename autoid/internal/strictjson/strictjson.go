// Package strictjson decodes JSON that a person may have edited, and tells all that is wrong with it at once.
//
// encoding/json stops at the first mistake, takes the last of two equal keys and any mixture of case. Here each of these
// is a [Problem] with its line and column.
package strictjson

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong, and where. Lines and columns (in bytes) count from 1.
type Problem struct {
	Line, Column int
	Path, Text   string // Path is as in "allow[0].want"
}

// Problems are all that is wrong with a file, in its order. As an error they print one a line.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, x := range p {
		lines[i] = fmt.Sprintf("line %d, column %d: %s: %s", x.Line, x.Column, x.Path, x.Text)
	}
	return strings.Join(lines, "\n")
}

// A File is a decoded text, to which its reader may add problems of its own.
type File struct {
	data     []byte
	offsets  map[string]int
	problems []located
}

type located struct {
	offset     int
	path, text string
}

// Decode decodes data into the struct that into points to. Structs and slices of them are entered; everything else (and
// what unmarshals itself) is left to encoding/json. Problems are told by [File.Err].
func Decode(data []byte, into any) *File {
	f := &File{data: data, offsets: map[string]int{}}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := f.value(dec, "", reflect.ValueOf(into).Elem()); err != nil {
		f.add(int(dec.InputOffset()), "file", err)
	} else if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		f.add(int(dec.InputOffset()), "file", errors.New("something follows the end"))
	}
	return f
}

// Problem adds that what stands at path (or the nearest thing around it) is wrong. A nil error adds nothing.
func (f *File) Problem(path string, err error) {
	if err == nil {
		return
	}
	at := path
	for {
		offset, ok := f.offsets[at]
		if ok || at == "" {
			f.add(offset, path, err)
			return
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
}

func (f *File) add(offset int, path string, err error) {
	f.problems = append(f.problems, located{offset, path, err.Error()})
}

// Err is [Problems], or nil.
func (f *File) Err() error {
	if len(f.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(f.problems, func(a, b located) int { return cmp.Compare(a.offset, b.offset) })
	var all Problems
	for _, p := range f.problems {
		before := f.data[:min(p.offset, len(f.data))]
		line := 1 + bytes.Count(before, []byte("\n"))
		all = append(all, Problem{line, len(before) - bytes.LastIndexByte(before, '\n'), p.path, p.text})
	}
	return all
}

// value decodes the next value. Its error is one after which nothing more can be read.
func (f *File) value(dec *json.Decoder, path string, v reflect.Value) error {
	rest := f.data[dec.InputOffset():]
	start := len(f.data) - len(bytes.TrimLeft(rest, " \t\r\n:,"))
	f.offsets[path] = start
	_, own := v.Addr().Interface().(json.Unmarshaler)
	_, text := v.Addr().Interface().(encoding.TextUnmarshaler)
	enter := !own && !text && start < len(f.data)
	switch {
	case enter && v.Kind() == reflect.Struct && f.data[start] == '{':
		return f.object(dec, path, v)
	case enter && v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 && f.data[start] == '[':
		return f.array(dec, path, v)
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if bytes.Equal(raw, []byte("null")) {
		f.add(start, path, errors.New("null: leave it out"))
	} else if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			err = fmt.Errorf("want %s", name(v.Type()))
		}
		f.add(start, path, err)
	}
	return nil
}

func (f *File) object(dec *json.Decoder, path string, v reflect.Value) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	fields := map[string][]int{}
	for _, field := range reflect.VisibleFields(v.Type()) {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag != "" {
			fields[tag] = field.Index
		}
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := token.(string) // the decoder refuses other keys
		at := strings.TrimPrefix(path+"."+key, ".")
		offset := max(bytes.LastIndexByte(f.data[:dec.InputOffset()-1], '"'), 0)
		index, known := fields[key]
		switch {
		case seen[key]:
			f.add(offset, at, errors.New("given twice"))
		case !known:
			f.add(offset, at, errors.New("unknown key; there are "+strings.Join(slices.Sorted(maps.Keys(fields)), ", ")))
		}
		if !known || seen[key] {
			if err := dec.Decode(new(json.RawMessage)); err != nil {
				return err
			}
			continue
		}
		seen[key] = true
		if err := f.value(dec, at, v.FieldByIndex(index)); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func (f *File) array(dec *json.Decoder, path string, v reflect.Value) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	for i := 0; dec.More(); i++ {
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		if err := f.value(dec, fmt.Sprintf("%s[%d]", path, i), v.Index(i)); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// name tells what a value is to be, in JSON's words.
func name(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	default:
		return "a whole number that fits " + t.Kind().String()
	}
}
