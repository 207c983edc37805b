package daemon

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// openAPI is the description of the API as the daemon serves it, as far as it says what may
// be asked and what is answered.
type openAPI struct {
	Paths      map[string]map[string]*apiOperation `json:"paths"`
	Components struct {
		Schemas map[string]*apiSchema `json:"schemas"`
	} `json:"components"`
}

type apiOperation struct {
	Parameters []struct {
		Name     string     `json:"name"`
		In       string     `json:"in"`
		Required bool       `json:"required"`
		Schema   *apiSchema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema *apiSchema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct {
			Schema *apiSchema `json:"schema"`
		} `json:"content"`
	} `json:"responses"`
}

// apiSchema is the part of JSON Schema that the description uses. What else stands in it
// is an error, so that nothing goes unchecked.
type apiSchema struct {
	Ref                  string                `json:"$ref"`
	Type                 any                   `json:"type"`
	Format               string                `json:"format"`
	Description          string                `json:"description"`
	Default              any                   `json:"default"`
	Examples             []any                 `json:"examples"`
	Enum                 []any                 `json:"enum"`
	Pattern              string                `json:"pattern"`
	Minimum              *float64              `json:"minimum"`
	Maximum              *float64              `json:"maximum"`
	MinLength            int                   `json:"minLength"`
	MaxLength            *int                  `json:"maxLength"`
	MinItems             int                   `json:"minItems"`
	MaxItems             *int                  `json:"maxItems"`
	Items                *apiSchema            `json:"items"`
	Properties           map[string]*apiSchema `json:"properties"`
	Required             []string              `json:"required"`
	AdditionalProperties json.RawMessage       `json:"additionalProperties"`
}

// UnmarshalJSON reads a schema and refuses what it would not check.
func (s *apiSchema) UnmarshalJSON(b []byte) error {
	type plain apiSchema
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(s))
}

func (o *openAPI) resolve(s *apiSchema) *apiSchema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return o.Components.Schemas[name]
	}
	return s
}

func (s *apiSchema) is(kind string) bool {
	if all, ok := s.Type.([]any); ok {
		return slices.Contains(all, any(kind))
	}
	return s.Type == kind
}

// wrong returns what in a value is not as the schema says.
func (o *openAPI) wrong(at string, s *apiSchema, v any) (all []string) {
	if s = o.resolve(s); s == nil {
		return []string{at + ": there is no such schema"}
	}
	if s.Type == nil && len(s.Enum) == 0 {
		return nil // anything
	}
	add := func(format string, args ...any) { all = append(all, at+": "+fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		add("%v is not one of %v", v, s.Enum)
	}
	switch x := v.(type) {
	case nil:
		if !s.is("null") {
			add("it is null")
		}
	case bool:
		if !s.is("boolean") {
			add("it is %v", x)
		}
	case float64:
		if !s.is("number") && !(s.is("integer") && x == math.Trunc(x)) || s.Minimum != nil && x < *s.Minimum || s.Maximum != nil && x > *s.Maximum {
			add("it is %v", x)
		}
	case string:
		all = append(all, s.wrongText(at, x)...)
	case []any:
		if !s.is("array") || len(x) < s.MinItems || s.MaxItems != nil && len(x) > *s.MaxItems {
			add("it is a list of %d", len(x))
			break
		}
		for i, e := range x {
			all = append(all, o.wrong(fmt.Sprintf("%s[%d]", at, i), s.Items, e)...)
		}
	case map[string]any:
		if !s.is("object") {
			add("it is an object")
			break
		}
		all = append(all, o.wrongObject(at, s, x)...)
	}
	return all
}

func (s *apiSchema) wrongText(at, x string) (all []string) {
	n := utf8.RuneCountInString(x)
	if !s.is("string") || n < s.MinLength || s.MaxLength != nil && n > *s.MaxLength {
		all = append(all, fmt.Sprintf("%s: it is %.40q", at, x))
	}
	if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(x) {
		all = append(all, fmt.Sprintf("%s: %.40q does not match %s", at, x, s.Pattern))
	}
	switch s.Format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339, x); err != nil {
			all = append(all, at+": "+err.Error())
		}
	case "uri":
		if _, err := url.Parse(x); err != nil {
			all = append(all, at+": "+err.Error())
		}
	}
	return all
}

func (o *openAPI) wrongObject(at string, s *apiSchema, x map[string]any) (all []string) {
	for _, k := range s.Required {
		if _, ok := x[k]; !ok {
			all = append(all, at+"."+k+": it is missing")
		}
	}
	for k, v := range x { // any order: each is told by itself
		switch p := s.Properties[k]; {
		case p != nil:
			all = append(all, o.wrong(at+"."+k, p, v)...)
		case string(s.AdditionalProperties) == "false":
			all = append(all, at+"."+k+": it is not described")
		case strings.HasPrefix(string(s.AdditionalProperties), "{"):
			var more apiSchema
			if err := json.Unmarshal(s.AdditionalProperties, &more); err != nil {
				all = append(all, at+": "+err.Error())
			} else {
				all = append(all, o.wrong(at+"."+k, &more, v)...)
			}
		}
	}
	return all
}

// odd are values that nobody expects.
var odd = []any{
	nil, true, -1, 0, 1e300, -1e-300, 9223372036854775807.0, "", " ", "\u0000", "\ufffd", "'; DROP TABLE incident_rows; --", `"*" OR NEAR(`, "%00", "../../etc/passwd", "{{.}}", "ÄÖ\u202e", strings.Repeat("x", 9000),
	"0", "-1", "1e9", "18446744073709551616", "NaN", "true",
	[]any{},
	[]any{nil},
	map[string]any{},
	map[string]any{"a": []any{map[string]any{}}},
}

// draw returns a value for a schema: most often one that it allows, of names that mean
// something here; at times one that nobody expects.
func (o *openAPI) draw(r *rand.Rand, s *apiSchema, known []string, wild float64) any {
	if r.Float64() < wild {
		return odd[r.IntN(len(odd))]
	}
	switch s = o.resolve(s); {
	case len(s.Enum) > 0:
		return s.Enum[r.IntN(len(s.Enum))]
	case s.is("boolean"):
		return r.IntN(2) == 0
	case s.is("integer"), s.is("number"):
		low, high := 0.0, 400.0
		if s.Minimum != nil {
			low = *s.Minimum
		}
		if s.Maximum != nil {
			high = *s.Maximum
		}
		if n := low + r.Float64()*(high-low); s.is("number") {
			return n
		} else {
			return math.Trunc(n)
		}
	case s.is("string"):
		return s.text(r, known)
	case s.is("array"):
		var all []any
		for range s.MinItems + r.IntN(3) {
			all = append(all, o.draw(r, s.Items, known, wild))
		}
		return all
	case s.is("object"):
		x := map[string]any{}
		for _, k := range slices.Sorted(func(yield func(string) bool) {
			for k := range s.Properties { // any order: they are sorted
				if !yield(k) {
					return
				}
			}
		}) {
			if slices.Contains(s.Required, k) && r.Float64() > wild || r.IntN(2) == 0 {
				x[k] = o.draw(r, s.Properties[k], known, wild)
			}
		}
		if r.Float64() < wild {
			x["more"] = odd[r.IntN(len(odd))]
		}
		return x
	}
	return nil
}

var digits = regexp.MustCompile(`^\^\[0-9a-f\]\{(\d+)\}\$$`)

func (s *apiSchema) text(r *rand.Rand, known []string) string {
	var fits []string
	for _, k := range known {
		if len(s.wrongText("", k)) == 0 {
			fits = append(fits, k)
		}
	}
	if len(fits) > 0 && r.IntN(3) > 0 {
		return fits[r.IntN(len(fits))]
	}
	if m := digits.FindStringSubmatch(s.Pattern); m != nil {
		n := 0
		_, _ = fmt.Sscan(m[1], &n) // the pattern has digits there
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	most := 60
	if s.MaxLength != nil {
		most = *s.MaxLength
	}
	letters := []rune("ab-._@19 %\"'<>&\\/\u00e4\u202e\u0000\n")
	out := make([]rune, s.MinLength+r.IntN(max(1, min(most, 60)-s.MinLength)))
	for i := range out {
		out[i] = letters[r.IntN(len(letters))]
	}
	return string(out)
}

// TestAPI_wrongIsSeen: what finds nothing proves nothing unless it can find something.
func TestAPI_wrongIsSeen(t *testing.T) {
	var s apiSchema
	if err := json.Unmarshal([]byte(`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"integer","minimum":1},"b":{"type":["array","null"],"items":{"type":"string","format":"date-time"}},"c":{"type":"string","enum":["x"]}}}`), &s); err != nil {
		t.Fatal(err)
	}
	o := &openAPI{}
	for text, want := range map[string]int{
		`{"a":1,"b":["2026-03-02T00:00:00Z"],"c":"x"}`: 0, `{"a":2,"b":null}`: 0, `{}`: 1, `{"a":0}`: 1, `{"a":1.5}`: 1, `{"a":1,"d":1}`: 1, `{"a":1,"b":["yesterday"]}`: 1, `{"a":1,"c":"y"}`: 1, `[]`: 1, `{"a":null}`: 1, `{"a":"1"}`: 1,
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := o.wrong("", &s, v); len(got) != want {
			t.Errorf("%s: %q, want %d", text, got, want)
		}
	}
	if json.Unmarshal([]byte(`{"type":"string","not":{}}`), &s) == nil {
		t.Error("what is not checked is not refused")
	}
}
