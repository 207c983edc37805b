package decode

import (
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", MostLine)
	for name, c := range map[string]struct{ said, want string }{
		"two":               {"a\r\nbc\n", "[a][bc]"},
		"none_yet":          {"abc", ""},
		"empty":             {"\r\n\n", "[][]"},
		"as_long_as_can_be": {long + "\nz\n", "[" + long + "][z]"},
		"longer":            {long + "yy\r\nz\n", "[" + long + "][z]"},
		"longest":           {long + long + long + "\nz\n", "[" + long + "][z]"},
	} {
		for _, step := range []int{1, 3, 1000, 1 << 20} {
			t.Run(fmt.Sprintf("%s_%d", name, step), func(t *testing.T) {
				var l Lines
				var got, rest string
				for data := c.said; data != ""; {
					n := min(step, len(data))
					rest, data = rest+data[:n], data[n:]
					for {
						line, used, ok := l.Next([]byte(rest))
						if rest = rest[used:]; !ok {
							break
						}
						got += "[" + string(line) + "]"
					}
					if len(rest) > MostLine+step {
						t.Fatalf("%d bytes are kept", len(rest))
					}
				}
				if got != c.want {
					t.Errorf("got %.60q, want %.60q", got, c.want)
				}
			})
		}
	}
}

func TestReplyCode(t *testing.T) {
	for line, want := range map[string]string{
		"220 ready": "220 false", "250-more": "250 true", "354": "354 false", "22 x": "0 false", "2200 x": "0 false",
		"999 x": "0 false", "": "0 false", "abc d": "0 false",
	} {
		if code, more := ReplyCode([]byte(line)); fmt.Sprint(code, more) != want {
			t.Errorf("%q: %d %v, want %s", line, code, more, want)
		}
	}
}
