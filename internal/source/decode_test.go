package source

import (
	"strings"
	"testing"
	"time"

	"vedette/internal/fault"
)

func TestDecodeSaysWhatMustBe(t *testing.T) {
	type settings struct {
		Paths []string      `yaml:"paths"`
		Poll  time.Duration `yaml:"poll"`
		Drop  bool          `yaml:"drop"`
		Most  int           `yaml:"most"`
		Name  string        `yaml:"name"`
		Keep  struct {
			Days int `yaml:"days"`
		} `yaml:"keep"`
	}
	for name, c := range map[string]struct{ text, want string }{
		"fine":     {"paths: [a]\npoll: 3s\ndrop: true\nmost: 3\nname: x\nkeep: {days: 3}", ""},
		"nothing":  {" \n", ""},
		"list":     {"\npaths: a", `line 2: "a" is not what belongs here: it must be a list`},
		"duration": {"poll: soon", `"soon" is no duration, such as 10s`},
		"bool":     {"drop: perhaps", `"perhaps" is not what belongs here: it must be true or false`},
		"number":   {"most: many", `it must be a number`},
		"text":     {"name: [a]", `it must be a text`},
		"keys":     {"keep: 3", `it must be a group of keys`},
		"unknown":  {"pol: 3s", `there is no key "pol"; the nearest is "poll"`},
		"inside":   {"keep:\n  day: 3", `line 2: there is no key "day"; the nearest is "days"`},
		"broken":   {"paths: [a", `line 1:`},
		"long":     {"most: " + strings.Repeat("x", 500), `xxx…" is not`},
	} {
		t.Run(name, func(t *testing.T) {
			var s settings
			err := Decode([]byte(c.text), &s)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || fault.KindOf(err) != fault.Invalid {
				t.Errorf("got %v, want it to say %s", err, c.want)
			}
		})
	}
}
