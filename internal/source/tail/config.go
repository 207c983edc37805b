package tail

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"vedette/internal/fault"
)

// decode reads a part of the configuration. A key that does not exist is an error that
// names the nearest one that does.
func decode(part []byte, into any) error {
	if len(strings.TrimSpace(string(part))) == 0 {
		return nil
	}
	err := yaml.UnmarshalWithOptions(part, into, yaml.Strict())
	if u, ok := errors.AsType[*yaml.UnknownFieldError](err); ok {
		key := u.GetToken()
		return fault.New(fault.Invalid, fmt.Sprintf("line %d: there is no key %q; the nearest is %q",
			key.Position.Line, key.Value, nearest(key.Value, keys(reflect.TypeOf(into)))))
	}
	if e, ok := errors.AsType[yaml.Error](err); ok && e.GetToken() != nil {
		return fault.New(fault.Invalid, fmt.Sprintf("line %d: %s", e.GetToken().Position.Line, e.GetMessage()))
	}
	return fault.Wrap(fault.Invalid, err)
}

// keys returns the keys of a type and of what is inside it.
func keys(t reflect.Type) (names []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" {
			names = append(append(names, name), keys(f.Type)...)
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

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
