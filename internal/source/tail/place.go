package tail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	headSize = 1 << 10 // bytes by which a file is known
	tailSize = 256     // bytes before where it was read to, to be sure
	maxTwins = 8       // files that begin alike
)

// place is how far a file was read. It is marked under the file's key.
type place struct {
	Source string `json:"source"`
	Head   string `json:"head"` // sum of the first bytes, as many as HeadSize
	Tail   string `json:"tail"` // of those right before Offset
	HeadN  int    `json:"head_size"`
	TailN  int    `json:"tail_size"`
	Device uint64 `json:"device,omitempty"` // where it was, a hint
	Inode  uint64 `json:"inode,omitempty"`
	Offset int64  `json:"offset"` // bytes, unpacked
	Line   uint64 `json:"line"`   // lines before Offset
	Long   bool   `json:"long,omitempty"`
	Done   bool   `json:"done,omitempty"` // to its end, the last line included
}

func (p *place) bytes() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	return b
}

func readPlace(b []byte) (p place, ok bool) {
	if len(b) == 0 {
		return p, false
	}
	err := json.Unmarshal(b, &p)
	return p, err == nil && p.Source != "" && p.Offset >= 0 && p.HeadN >= 0 && p.TailN >= 0 && p.HeadN <= headSize && p.TailN <= tailSize && int64(p.TailN) <= p.Offset
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:8])
}

// rungs returns the lengths by which a file with n first bytes may be known, the longest
// first: powers of two, or what there was of a file that was shorter than 16.
func rungs(n int) (all []int) {
	for k := headSize; k >= 16; k /= 2 {
		if k <= n {
			all = append(all, k)
		}
	}
	for k := min(n, 15); k > 0; k-- {
		all = append(all, k)
	}
	return all
}

// keyOf returns under what a file is marked: the twin-th of those that begin with head.
func keyOf(head []byte, twin int) string {
	key := fmt.Sprintf("tail@%s/%d", sum(head), len(head))
	if twin > 1 {
		key += fmt.Sprintf("-%d", twin)
	}
	return key
}

// nameOf returns what its source is called.
func nameOf(path string, head []byte, twin int) string {
	name := printable(path) + "@" + sum(head)[:12]
	if twin > 1 {
		name += fmt.Sprintf("-%d", twin)
	}
	return name
}

// printable returns a path with all that could do harm to a terminal written %xx.
func printable(path string) string {
	var b strings.Builder
	for len(path) > 0 {
		r, n := utf8.DecodeRuneInString(path)
		if r == utf8.RuneError && n < 2 || !unicode.IsPrint(r) || r == '@' || r == '%' {
			for _, c := range []byte(path[:n]) {
				fmt.Fprintf(&b, "%%%02x", c)
			}
		} else {
			b.WriteString(path[:n])
		}
		path = path[n:]
	}
	return b.String()
}

// telling reports whether what a file begins with tells it from others: a whole line that
// is not part of a header, or very much.
func telling(head []byte) bool {
	if len(head) >= headSize {
		return true
	}
	for line := range bytes.Lines(head) {
		if line[0] != '#' && len(bytes.TrimSpace(line)) > 0 && line[len(line)-1] == '\n' {
			return true
		}
	}
	return false
}

// onlyHeader reports whether there is nothing but lines of # so far.
func onlyHeader(head []byte) bool {
	for line := range bytes.Lines(head) {
		if line[0] != '#' && len(bytes.TrimSpace(line)) > 0 {
			return false
		}
	}
	return true
}
