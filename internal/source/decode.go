package source

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"vedette/internal/fault"
)

// Decode reads a part of the configuration, which is YAML, into a struct with yaml tags. A
// key that does not exist is an error that names the nearest one that does. What the part
// does not say stays as it is.
func Decode(part []byte, into any) error {
	if len(strings.TrimSpace(string(part))) == 0 {
		return nil
	}
	err := yaml.UnmarshalWithOptions(part, into, yaml.Strict())
	if err == nil {
		return nil
	}
	if u, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		key := u.GetToken()
		return fault.New(fault.Invalid, fmt.Sprintf("line %d: there is no key %q; the nearest is %q",
			key.Position.Line, key.Value, nearest(key.Value, keysOf(reflect.TypeOf(into)))))
	}
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		t := e.GetToken()
		if must := wanted(err); must != "" {
			return fault.New(fault.Invalid, fmt.Sprintf("line %d: %q is not what belongs here: it must be %s", t.Position.Line, cut(t.Value), must))
		}
		return fault.New(fault.Invalid, fmt.Sprintf("line %d: %s", t.Position.Line, e.GetMessage()))
	}
	if text, ok := strings.CutPrefix(err.Error(), "time: invalid duration "); ok { // it says no line
		return fault.New(fault.Invalid, text+" is no duration, such as 10s")
	}
	return fault.Wrap(fault.Invalid, err)
}

// wanted says what a value must be that is of the wrong type, if that is what is wrong.
func wanted(err error) string {
	if e, ok := errors.AsType[*yaml.UnexpectedNodeTypeError](err); ok {
		switch e.Expected {
		case ast.SequenceType:
			return "a list, such as [a, b]"
		case ast.MappingType:
			return "a group of keys"
		}
	}
	e, ok := errors.AsType[*yaml.TypeError](err)
	if !ok || e.DstType == nil {
		return ""
	}
	switch e.DstType.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list, such as [a, b]"
	case reflect.Struct, reflect.Map:
		return "a group of keys"
	}
	return ""
}

// cut shortens what is quoted.
func cut(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// keysOf returns the keys of a type and of what is inside it.
func keysOf(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
			names = append(append(names, name), keysOf(f.Type)...)
		}
	}
	return names
}

// nearest returns the name that takes the fewest changes to become key.
func nearest(key string, names []string) (best string) {
	least := 1 << 30
	for _, n := range names {
		if d := distance(strings.ToLower(key), n); d < least {
			least, best = d, n
		}
	}
	return best
}

// distance returns how many letters have to be put in, taken out or changed to make b of a
// (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
