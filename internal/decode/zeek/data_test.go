package zeek

// What real logs do to the decoder. The data is not part of the repository: without it
// these tests say so and are skipped.

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/event"
)

// tally is what became of the lines of a set.
type tally struct {
	files, lines, decoded int
	events                [event.Types]int
	datasets              map[string]int
	rejected              map[decode.Reason]int
	unsniffed             int
}

func TestRealLogs(t *testing.T) {
	root := os.Getenv("VEDETTE_DATA")
	if root == "" {
		root = "../../../../shared/data"
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no data at %s (set VEDETTE_DATA)", root)
	}
	for _, set := range []struct {
		path     string
		most     float64         // share of lines that may be rejected
		accepted []decode.Reason // for these
	}{
		// Zeek's own expectations. Times are masked in most, which is undone below; in some
		// they are 0, since the tests have no traffic.
		{"network/zeek-btest", 0.03, []decode.Reason{decode.NoTime}},
		{"network/rita-missing-host-3day", 0, nil},
		{"network/rita-proxy.tar.gz", 0, nil},
		{"network/slips.tar.gz", 0.001, []decode.Reason{decode.WrongShape}}, // one line edited by hand
		{"network/zed-sample-zeek-json.tar.gz", 0, nil},
		{"network/stratosphere-zeek-labelled.tar.gz", 0, nil},
		{"ot/icsnpp.tar.gz", 0, nil},
		{"ot/automayt-zeek-logs.tar.gz", 0, nil},
		{"ocsf/ocsf-examples.tar.gz", 0, nil},
	} {
		t.Run(filepath.Base(set.path), func(t *testing.T) {
			path := filepath.Join(root, set.path)
			if _, err := os.Stat(path); err != nil {
				t.Skipf("no %s", path)
			}
			sum := tally{datasets: map[string]int{}, rejected: map[decode.Reason]int{}}
			walk(t, path, func(name string, data []byte) { sum.log(t, name, data) })
			sum.report(t)
			bad := 0
			for reason, n := range sum.rejected {
				if bad += n; !slices.Contains(set.accepted, reason) {
					t.Errorf("%d lines rejected: %s", n, reason)
				}
			}
			if sum.decoded+bad != sum.lines {
				t.Errorf("decoded %d and rejected %d of %d lines", sum.decoded, bad, sum.lines)
			}
			if share := float64(bad) / float64(max(1, sum.lines)); share > set.most {
				t.Errorf("%.2f%% of the lines are rejected", 100*share)
			}
			if sum.decoded == 0 {
				t.Error("nothing was decoded")
			}
		})
	}
}

// log decodes one file, if it is a log by its name.
func (s *tally) log(t *testing.T, name string, data []byte) {
	base := filepath.Base(name)
	isLog := strings.Contains(base, ".log") || strings.Contains(name, "zeek-json") && strings.HasSuffix(base, ".json")
	if !isLog || len(data) == 0 || bytes.Contains(data, []byte(`"event_type"`)) {
		return
	}
	data = regexp.MustCompile(`\d*XXXXXXXXXX\.XXXXXX`).ReplaceAll(data, []byte("1700000000.000001"))
	s.files++
	head := data[:min(len(data), decode.HeadSize)]
	if !Kind.Sniff(head) {
		// Reports in words, and Zeek's expectations of columns that were cut out.
		if s.unsniffed++; bytes.Contains(data, []byte("#fields")) || data[0] == '{' {
			t.Errorf("%s is not recognised", name)
		}
		return
	}
	var batch event.Batch
	emit := event.NewEmit([]byte("key"))
	emit.Source(&batch, "t", "s", name)
	dec := Kind.New()
	n := uint64(0)
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		n++
		if l := bytes.TrimSpace(line); len(l) > 0 && l[0] != '#' {
			s.lines++
		}
		emit.Begin(n, event.Claimed, line)
		err := dec(line, emit)
		if reason, ok := errors.AsType[decode.Reason](err); ok {
			if reason != decode.NotRecord && s.rejected[reason] < 5 {
				t.Logf("%s: %s: %.300s", name, reason, line)
			}
			if emit.Abort(); reason != decode.NotRecord {
				s.rejected[reason]++
			}
		} else if err != nil {
			t.Fatal(err)
		} else {
			s.decoded++
		}
	}
	for i := range batch.Events {
		h := &batch.Events[i]
		s.events[h.Type]++
		s.datasets[string(batch.Text.Bytes(h.Dataset))]++
	}
}

func (s *tally) report(t *testing.T) {
	t.Logf("%d files, %d lines, %d decoded, rejected %v", s.files, s.lines, s.decoded, s.rejected)
	var types []string
	for i, n := range s.events {
		if n > 0 {
			types = append(types, event.Type(i).String()+" "+itoa(n))
		}
	}
	t.Logf("events: %s", strings.Join(types, ", "))
	var sets []string
	for d, n := range s.datasets {
		sets = append(sets, d+" "+itoa(n))
	}
	slices.Sort(sets)
	t.Logf("datasets: %s", strings.Join(sets, ", "))
	t.Logf("%d files are no logs", s.unsniffed)
}

// walk calls f with every file below path, and in archives.
func walk(t *testing.T, path string, f func(name string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return open(p, data, f)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open unpacks archives and calls f with what is in them.
func open(name string, data []byte, f func(name string, data []byte)) error {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if data, err = io.ReadAll(z); err != nil {
			return err
		}
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".tgz")
	}
	if len(data) < 512 || string(data[257:262]) != "ustar" {
		f(name, data)
		return nil
	}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		inner, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := open(name+"!"+h.Name, inner, f); err != nil {
			return err
		}
	}
}
