package tail

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vedette/internal/source"
	"vedette/internal/source/sourcetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t testing.TB, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	_, err = f.WriteString(text)
	must(t, err)
	must(t, f.Close())
}

func line(n int) string { return fmt.Sprintf("{\"n\":%d,\"text\":\"%032d\"}\n", n, n*7919) }

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString(line(i))
	}
	return b.String()
}

func number(data []byte) int {
	s, ok := strings.CutPrefix(string(data), `{"n":`)
	s, _, _ = strings.Cut(s, ",")
	n, err := strconv.Atoi(s)
	if !ok || err != nil {
		return -1
	}
	return n
}

// rotate moves path to path.1, that to path.2.gz and so on, as logrotate does.
func rotate(path string, copied bool) error {
	for i := 30; i >= 2; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d.gz", path, i), fmt.Sprintf("%s.%d.gz", path, i+1))
	}
	if b, err := os.ReadFile(path + ".1"); err == nil {
		w, err := os.Create(path + ".2.gz")
		if err != nil {
			return err
		}
		z := gzip.NewWriter(w)
		_, _ = z.Write(b)
		_ = z.Close()
		_ = w.Close()
		if err := os.Remove(path + ".1"); err != nil {
			return err
		}
	}
	if !copied {
		return os.Rename(path, path+".1")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".1", b, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, 0)
}

func story(dir, config string, every int, copied bool) sourcetest.Story {
	path := filepath.Join(dir, "x.log")
	last := 0
	return sourcetest.Story{
		Config: config, Records: 4000, Number: number,
		Send: func(ctx context.Context, from, to int) error {
			f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			text := lines(from, to)
			half := len(text) / 3
			_, _ = f.WriteString(text[:half])
			_, _ = f.WriteString(text[half:])
			_ = f.Close()
			if every > 0 && from/every != last {
				last = from / every
				if err := rotate(path, copied); err != nil {
					return err
				}
			}
			time.Sleep(2 * time.Millisecond)
			return ctx.Err()
		},
	}
}

func TestConformance(t *testing.T) {
	for _, test := range []struct {
		name   string
		every  int
		copied bool
	}{{"grows", 0, false}, {"renamed", 700, false}, {"copied", 900, true}} {
		t.Run(test.name, func(t *testing.T) {
			sourcetest.Run(t, Kind, func(t *testing.T) sourcetest.Story {
				dir := t.TempDir()
				return story(dir, "paths: ["+dir+"/x.log*]\npoll: 10ms\nsettle: 100ms\n", test.every, test.copied)
			})
		})
	}
}

// run runs a feed on the log until stop.
func run(t *testing.T, log *sourcetest.Log, config string) (stop func()) {
	t.Helper()
	feed, err := newFeed([]byte(config))
	must(t, err)
	life := &sourcetest.Life{Log: log, Keep: 0.5}
	cancel, done := life.Start(t.Context(), feed)
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		time.Sleep(30 * time.Millisecond) // for the last marks to be kept
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// expect waits for what is to be there, and then for what is not.
func expect(t *testing.T, log *sourcetest.Log, want ...string) {
	t.Helper()
	text := func(all []source.Record) (s []string) {
		for _, r := range all {
			name, _, _ := strings.Cut(filepath.Base(r.Source), "@")
			s = append(s, fmt.Sprintf("%s#%d %s", name, r.Position, r.Data))
		}
		return s
	}
	log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) >= len(want) })
	time.Sleep(300 * time.Millisecond)
	if got := text(log.Records()); !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s\nlost %v", strings.Join(got, "\n"), strings.Join(want, "\n"), log.Lost())
	}
}

func quick(dir string) string { return "paths: [" + dir + "/x.log]\npoll: 10ms\nsettle: 150ms\n" }

func TestPartialLine(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	x := dir + "/x.log"
	stop := run(t, log, quick(dir))
	add(t, x, "\xef\xbb\xbfone\r\n\ntw")
	expect(t, log, "x.log#1 one")
	add(t, x, "o\nthr")
	expect(t, log, "x.log#1 one", "x.log#3 two")
	stop()
	run(t, log, quick(dir))
	expect(t, log, "x.log#1 one", "x.log#3 two")
	must(t, os.Rename(x, dir+"/gone"))
	expect(t, log, "x.log#1 one", "x.log#3 two", "x.log#4 thr")
	add(t, x, "next\n")
	expect(t, log, "x.log#1 one", "x.log#3 two", "x.log#4 thr", "x.log#1 next")
}

// What is written to a file that is known does not wait for the next look at which there are.
func TestBetweenLooks(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	add(t, dir+"/x.log", "one\n")
	run(t, log, "paths: ["+dir+"]\npoll: 1h\nsettle: 10ms\n")
	for n := 1; n < 5; n++ {
		if n > 1 {
			add(t, dir+"/x.log", "more\n")
		}
		if all, ok := log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) == n }); !ok {
			t.Fatalf("%d records after %d lines", len(all), n)
		}
	}
}

// TestWhileDown rotates while nobody looks, in every way.
func TestWhileDown(t *testing.T) {
	pack := func(t *testing.T, from, to string) {
		b, err := os.ReadFile(from)
		must(t, err)
		f, err := os.Create(to)
		must(t, err)
		z := gzip.NewWriter(f)
		_, _ = z.Write(b)
		must(t, z.Close())
		must(t, f.Close())
	}
	for _, test := range []struct {
		name   string
		rotate func(t *testing.T, x string)
	}{
		{"renamed", func(t *testing.T, x string) { must(t, os.Rename(x, x+".1")) }},
		{"renamed_to_a_stranger", func(t *testing.T, x string) { must(t, os.Rename(x, filepath.Dir(x)+"/2024-01-01")) }},
		{"packed", func(t *testing.T, x string) { pack(t, x, x+".1.gz"); must(t, os.Remove(x)) }},
		{"copied", func(t *testing.T, x string) {
			b, err := os.ReadFile(x)
			must(t, err)
			must(t, os.WriteFile(x+".1", b, 0o600))
			must(t, os.Truncate(x, 0))
		}},
		{"copied_and_packed", func(t *testing.T, x string) { pack(t, x, x+".1.gz"); must(t, os.Truncate(x, 0)) }},
	} {
		for _, paths := range []string{"x.log", "x.log*"} {
			if test.name == "renamed_to_a_stranger" && runtime.GOOS == "windows" {
				continue
			}
			t.Run(test.name+"/"+paths, func(t *testing.T) {
				t.Parallel()
				dir, log := t.TempDir(), sourcetest.NewLog()
				x := dir + "/x.log"
				config := strings.Replace(quick(dir), "/x.log]", "/"+paths+"]", 1)
				stop := run(t, log, config)
				add(t, x, "first line\nsecond line\n")
				expect(t, log, "x.log#1 first line", "x.log#2 second line")
				stop()
				add(t, x, "third line\nfourth")
				test.rotate(t, x)
				add(t, x, "another file\nthat grew while nobody looked, and is longer than the other\n")
				time.Sleep(200 * time.Millisecond)
				run(t, log, config)
				log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) >= 6 })
				time.Sleep(300 * time.Millisecond)
				var got []string
				for _, r := range log.Records() {
					got = append(got, fmt.Sprintf("%d %s", r.Position, r.Data))
				}
				slices.Sort(got)
				if want := []string{"1 another file", "1 first line", "2 second line", "2 that grew while nobody looked, and is longer than the other", "3 third line", "4 fourth"}; !slices.Equal(got, want) {
					t.Errorf("got %q, lost %v", got, log.Lost())
				}
			})
		}
	}
}

// TestRestFirst: what is left of a rotated file comes before the file in its place.
func TestRestFirst(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	x := dir + "/x.log"
	stop := run(t, log, quick(dir))
	add(t, x, "one\n")
	expect(t, log, "x.log#1 one")
	stop()
	add(t, x, "two\nthree\n")
	must(t, os.Rename(x, x+".1"))
	add(t, x, "four\n")
	run(t, log, quick(dir))
	expect(t, log, "x.log#1 one", "x.log#2 two", "x.log#3 three", "x.log#1 four")
}

func TestHeader(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	x := dir + "/x.log"
	stop := run(t, log, quick(dir))
	header := "#separator \\x09\n#fields\ta\n"
	add(t, x, header)
	expect(t, log)
	add(t, x, "1\n")
	want := []string{`x.log#1 #separator \x09`, "x.log#2 #fields\ta", "x.log#3 1"}
	expect(t, log, want...)
	stop()
	add(t, x, "2\n")
	stop = run(t, log, quick(dir))
	want = append(append(want, want[:2]...), "x.log#4 2")
	expect(t, log, want...)
	stop()
	run(t, log, quick(dir))
	time.Sleep(100 * time.Millisecond)
	add(t, x, "3\n")
	expect(t, log, append(append(want, want[:2]...), "x.log#5 3")...)
}

func TestDrop(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	config := "paths: [" + dir + "]\nrecursive: true\ndrop: true\npoll: 10ms\nsettle: 150ms\n"
	stop := run(t, log, config)
	must(t, os.Mkdir(dir+"/in", 0o700))
	add(t, dir+"/a", "one\n")
	time.Sleep(80 * time.Millisecond)
	add(t, dir+"/a", "two\nwithout end")
	add(t, dir+"/.hidden", "x\n")
	f, err := os.Create(dir + "/in/b.zst")
	must(t, err)
	z, err := zstd.NewWriter(f)
	must(t, err)
	_, _ = z.Write([]byte("packed\nlast"))
	must(t, z.Close())
	must(t, f.Close())
	want := []string{"a#1 one", "a#2 two", "a#3 without end", "b.zst#1 packed", "b.zst#2 last"}
	expect(t, log, want...)
	stop()
	must(t, os.Rename(dir+"/a", dir+"/c"))
	add(t, dir+"/copy", "one\ntwo\nwithout end")
	run(t, log, config)
	expect(t, log, want...)
	add(t, dir+"/d", "one\nother\n")
	expect(t, log, append(want, "d#1 one", "d#2 other")...)
	if _, err := os.Stat(dir + "/in/b.zst"); err != nil {
		t.Error(err)
	}
}

func TestDamaged(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	var b strings.Builder
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(lines(0, 2000)))
	must(t, z.Close())
	add(t, dir+"/cut.gz", b.String()[:b.Len()/2])
	add(t, dir+"/not.gz", "\x1f\x8b\x08 not at all")
	f, err := os.Create(dir + "/empty.gz")
	must(t, err)
	must(t, gzip.NewWriter(f).Close())
	must(t, f.Close())
	run(t, log, "paths: ["+dir+"]\npoll: 10ms\nsettle: 150ms\n")
	_, ok := log.Wait(5*time.Second, func([]source.Record) bool { return len(log.Lost()) == 2 })
	if !ok {
		t.Errorf("lost %v", log.Lost())
	}
	add(t, dir+"/cut.gz", b.String()[b.Len()/2:])
	all, ok := log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) >= 2000 })
	for i, r := range all {
		if number(r.Data) != i || r.Position != uint64(i+1) {
			t.Fatalf("record %d is %s#%d", i, r.Data, r.Position)
		}
	}
	if !ok {
		t.Errorf("%d records, lost %v", len(all), log.Lost())
	}
}

func TestLongLine(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	x := dir + "/x.log"
	add(t, x, "a\n"+strings.Repeat("x", maxLine)+"\n"+strings.Repeat("y", maxLine+1)+"\nb\n"+strings.Repeat("z", 3*maxLine))
	stop := run(t, log, quick(dir))
	log.Wait(3*time.Second, func(all []source.Record) bool { return len(all) >= 3 })
	stop()
	stop = run(t, log, quick(dir))
	time.Sleep(50 * time.Millisecond)
	add(t, x, "z\nc\n")
	all, _ := log.Wait(3*time.Second, func(all []source.Record) bool { return len(all) >= 4 })
	stop()
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprint(r.Position, " ", len(r.Data)))
	}
	if want := []string{"1 1", fmt.Sprint("2 ", maxLine), "4 1", "6 1"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	n := uint64(0)
	for _, k := range log.Lost() {
		n += k
	}
	if n != 2 {
		t.Errorf("lost %v", log.Lost())
	}
}

// TestManyFiles follows more files than may be open, and rotates them all.
func TestManyFiles(t *testing.T) {
	dir, log := t.TempDir(), sourcetest.NewLog()
	feed, err := newFeed([]byte("paths: ['" + dir + "/*.log']\npoll: 10ms\nsettle: 100ms\n"))
	must(t, err)
	feed.(*feedType).limit = 10
	life := &sourcetest.Life{Log: log, Keep: 1}
	cancel, done := life.Start(t.Context(), feed)
	const files = 60
	for round := range 3 {
		for i := range files {
			add(t, fmt.Sprintf("%s/%d.log", dir, i), line(round*files+i))
		}
		if _, ok := log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) >= (round+1)*files }); !ok {
			t.Fatalf("round %d: %d records", round, len(log.Records()))
		}
		if runtime.GOOS == "linux" {
			open, _ := filepath.Glob("/proc/self/fd/*")
			n := 0
			for _, fd := range open {
				if to, _ := os.Readlink(fd); strings.HasPrefix(to, dir) {
					n++
				}
			}
			if n > 11 {
				t.Errorf("%d files are open", n)
			}
		}
	}
	for i := range files { // written to after it was closed, and renamed
		p := fmt.Sprintf("%s/%d.log", dir, i)
		add(t, p, line(3*files+i))
		must(t, os.Rename(p, p+".1"))
		add(t, p, line(4*files+i))
	}
	all, ok := log.Wait(5*time.Second, func(all []source.Record) bool { return len(all) >= 5*files })
	if !ok {
		t.Errorf("%d records, lost %v", len(all), log.Lost())
	}
	cancel()
	must(t, <-done)
}

// feedType is feed, where that is the name of a variable.
type feedType = feed

// TestLogrotate has the real thing rotate.
func TestLogrotate(t *testing.T) {
	program, err := exec.LookPath("logrotate")
	if err != nil {
		t.Skip("logrotate is not installed")
	}
	for _, how := range []string{"create", "copytruncate", "create\ncompress", "copytruncate\ncompress", "create\ndateext\ndateformat -%Y%m%d-%s", "compress\ndelaycompress\ncreate"} {
		for _, paths := range []string{"x.log", "x.log*"} {
			t.Run(strings.ReplaceAll(how, "\n", "_")+"/"+paths, func(t *testing.T) {
				t.Parallel()
				dir, log := t.TempDir(), sourcetest.NewLog()
				must(t, os.Chmod(dir, 0o755))
				x := dir + "/x.log"
				config := fmt.Sprintf("%s {\nrotate 9\n%s\n}\n", x, how)
				must(t, os.WriteFile(dir+"/conf", []byte(config), 0o600))
				pause := 250 * time.Millisecond
				if strings.Contains(how, "dateext") {
					pause = 1100 * time.Millisecond // or the names are the same
				}
				stop := run(t, log, strings.Replace(quick(dir), "/x.log]", "/"+paths+"]", 1))
				for round := range 5 {
					add(t, x, lines(round*20, round*20+10))
					if round == 3 { // once while it is down
						time.Sleep(50 * time.Millisecond)
						stop()
					}
					add(t, x, lines(round*20+10, round*20+20))
					if round == 3 {
						out, err := exec.Command(program, "-f", "-s", dir+"/state", dir+"/conf").CombinedOutput()
						if err != nil {
							t.Fatalf("%v: %s", err, out)
						}
						add(t, x, lines(1000, 1001))
						run(t, log, strings.Replace(quick(dir), "/x.log]", "/"+paths+"]", 1))
						time.Sleep(pause)
						continue
					}
					time.Sleep(50 * time.Millisecond)
					add(t, x, lines(500+round*20, 500+round*20+5))
					if out, err := exec.Command(program, "-f", "-s", dir+"/state", dir+"/conf").CombinedOutput(); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					time.Sleep(pause)
				}
				const want = 5*20 + 4*5 + 1
				log.Wait(3*time.Second, func(all []source.Record) bool { return len(all) >= want })
				time.Sleep(300 * time.Millisecond)
				times := map[int]int{}
				for _, r := range log.Records() {
					times[number(r.Data)]++
				}
				for n, k := range times {
					if k != 1 {
						t.Errorf("record %d is there %d times", n, k)
					}
				}
				if len(times) != want {
					t.Errorf("%d records, want %d; lost %v", len(times), want, log.Lost())
				}
			})
		}
	}
}

func TestSettings(t *testing.T) {
	for config, want := range map[string]string{
		"":                        "nothing to follow",
		"path: [x]":               `no key "path"; the nearest is "paths"`,
		"paths: [x]\nsetle: 3s":   `line 2: there is no key "setle"; the nearest is "settle"`,
		"paths: ['[']":            "no pattern",
		"paths: [x]\nsettle: 0s":  "longer than 0s",
		"paths: [x]\nsettle: abc": "is no duration",
		"paths: 5":                "line 1",
	} {
		if _, err := newFeed([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", config, err, want)
		}
	}
}
