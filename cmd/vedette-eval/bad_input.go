package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// badCase is one kind of bad input, beside a good file of goodLines lines.
type badCase struct {
	name     string
	build    func(dir string) error // makes the bad things in a folder
	exit     int                    // what the contract wants
	says     string                 // a pattern of what must be said: on the side, or as a reason
	decoded  int64                  // good records in the bad file itself, which must be read too
	rejected int64                  // records of it that must be counted as rejected
	nobody   bool                   // run as a user without rights
	large    bool                   // memory and time are figures of their own
	path     string                 // named by itself beside the good file, instead of the folder
}

const (
	goodLines  = 100
	maxMemory  = 600 // MiB, on hostile input
	maxSeconds = 120
	maxWait    = 5 * time.Minute
)

func badCases() []badCase {
	return []badCase{
		{name: "path that is not there", build: nothing, path: "missing.log", exit: 3, says: `no such file`},
		{name: "no permission: file", build: secretFile, nobody: true, exit: 3, says: `permission`},
		{name: "no permission: folder", build: secretFolder, nobody: true, exit: 3, says: `permission`},
		{name: "half a line at the end", build: halfLine, exit: 0, says: `JSON`, decoded: goodLines, rejected: 1},
		{name: "line of 2 GB", build: longLine, exit: 0, says: `longer than`, decoded: 2 * goodLines, rejected: 1, large: true},
		{name: "file that is one line of 2 GB", build: longFile, exit: 3, says: `not recognised|no record|none of its|longer than`, large: true},
		{name: "zip bomb, flat: a line of 8 GB in 8 MB", build: flatBomb, exit: anyOf(0, 3), says: `longer than|limit|bomb|more than|unpack`, large: true},
		{name: "gzip bomb: 8 GB of blank lines in 8 MB", build: blankBomb, exit: anyOf(0, 3), large: true},
		{name: "zip bomb, nested: 10 zips of 10, 6 deep", build: nestedBomb, exit: 3, says: `archives|nest|deep`, large: true},
		{name: "links in circles", build: linkLoops, exit: 3, says: `link|too many`},
		{name: "empty folder", build: emptyFolder, path: "empty", exit: 3, says: `nothing in`},
		{name: "empty file", build: emptyFile, exit: 0},
		{name: "binary rubbish", build: rubbish, exit: 3, says: `binary`},
		{name: "rubbish among good lines", build: rubbishLines, exit: 0, says: `.`, decoded: 2 * goodLines, rejected: 50},
		{name: "gzip that is cut off", build: cutGzip, exit: 3, says: `unexpected EOF|cut|ends|truncated|incomplete`},
		{name: "gzip with a wrong checksum", build: wrongGzip, exit: 3, says: `checksum`},
		{name: "tar that is cut off", build: cutTar, exit: 3, says: `unexpected EOF|cut|ends|truncated|incomplete`},
		{name: "zip with a password", build: lockedZip, exit: 3, says: `password|encrypted`},
		{name: "names that climb out of an archive", build: climbingTar, exit: 0, decoded: goodLines},
		{name: "JSON nested 100,000 deep", build: deepJSON, exit: 0, says: `deep|JSON`, decoded: goodLines, rejected: 1},
		{name: "UTF-16", build: utf16File, exit: 3, says: `UTF-16`},
		{name: "named pipe", build: namedPipe, exit: 3, says: `pipe`},
	}
}

// anyOf makes an exit code that stands for either of two.
func anyOf(a, b int) int { return -(a<<8 | b) - 1 }

func exitIs(got, want int) bool {
	if want >= 0 {
		return got == want
	}
	want = -want - 1
	return got == want>>8 || got == want&255
}

func exitWords(want int) string {
	if want >= 0 {
		return fmt.Sprint(want)
	}
	want = -want - 1
	return fmt.Sprintf("%d or %d", want>>8, want&255)
}

// badInput gives the product one kind of bad input after the other, each in a folder with a
// good file, and looks at its exit code, at what it says, and whether it read the good file.
func badInput(ctx context.Context, b *bench) (r result, err error) {
	t := table{Title: "What was said", Head: []string{"input", "exit code", "said", "seconds", "peak MiB"}}
	for _, c := range badCases() {
		if err := b.badCase(ctx, c, &r, &t); err != nil {
			return r, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	r.Tables = append(r.Tables, t)
	return r, nil
}

func (b *bench) badCase(ctx context.Context, c badCase, r *result, t *table) (err error) {
	dir, err := os.MkdirTemp(b.Temp, "bad-")
	if err != nil {
		return err
	}
	defer func() {
		_ = os.Chmod(filepath.Join(dir, "secret"), 0o755) // so that it can be removed
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	good := filepath.Join(dir, "good.log")
	if err := os.WriteFile(good, goodLog(goodLines, 1), 0o644); err != nil {
		return err
	}
	if c.large {
		if free, err := freeSpace(dir); err == nil && free < 5e9 {
			b.say("%s: left out, for want of 5 GB in the temporary folder", c.name)
			return nil
		}
	}
	if err := c.build(dir); errors.Is(err, errors.ErrUnsupported) {
		return nil // this system has no such thing
	} else if err != nil {
		return fmt.Errorf("making it: %w", err)
	}
	paths := []string{dir}
	if c.path != "" {
		paths = []string{good, filepath.Join(dir, c.path)}
	}
	o, err := b.analyze(ctx, job{nobody: c.nobody, timeout: maxWait}, paths...)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		r.add(c.name, "handled", 0, "yes/no", "it did not end within "+maxWait.String()).least(1)
		return nil
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	wrong, said := c.check(o, good)
	for _, folder := range []string{b.Temp, dir, "."} {
		if _, err := os.Lstat(filepath.Join(folder, climbed)); err == nil {
			wrong = append(wrong, "it wrote what an archive told it to")
		}
	}
	said = strings.ReplaceAll(said, dir+"/", "")
	said = strings.ReplaceAll(said, dir, "the folder")
	b.say("%s: exit code %d, %.1f s, %d MiB: %s", c.name, o.Exit, o.Seconds, o.Peak>>20, said)
	ok, detail := 1.0, "exit code "+exitWords(c.exit)+", the good file read"
	if len(wrong) > 0 {
		ok, detail = 0, strings.Join(wrong, "; ")
	}
	r.add(c.name, "handled", ok, "yes/no", detail).least(1)
	if c.large {
		r.add(c.name, "peak memory", float64(o.Peak>>20), "MiB", "").most(maxMemory)
		r.add(c.name, "time", o.Seconds, "s", "").most(maxSeconds)
	}
	t.Rows = append(t.Rows, []string{c.name, fmt.Sprint(o.Exit), said, number(o.Seconds), number(float64(o.Peak >> 20))})
	return nil
}

// check returns what is wrong with an outcome, and what was said.
func (c badCase) check(o outcome, good string) (wrong []string, said string) {
	if !exitIs(o.Exit, c.exit) {
		wrong = append(wrong, fmt.Sprintf("exit code %d, not %s", o.Exit, exitWords(c.exit)))
	}
	var words []string
	for _, m := range o.Messages {
		words = append(words, strings.TrimPrefix(m, "vedette: "))
		if strings.Contains(m, "goroutine ") || strings.Contains(m, "panic:") {
			wrong = append(wrong, "it crashed")
			break
		}
	}
	var decoded, rejected, read int64
	for _, s := range o.Sources {
		if s.Path == filepath.ToSlash(good) {
			read = s.Events
			continue
		}
		decoded += s.Records - s.Rejected
		rejected += s.Rejected
		for reason, n := range s.Reasons {
			words = append(words, fmt.Sprintf("rejected %d: %s", n, reason))
		}
	}
	if len(words) > 4 {
		words = append(words[:3], fmt.Sprintf("and %d more", len(words)-3))
	}
	said = strings.Join(words, "; ")
	if c.says != "" && !regexp.MustCompile(`(?i)`+c.says).MatchString(said) {
		wrong = append(wrong, "no clear message")
	}
	if read != goodLines {
		wrong = append(wrong, fmt.Sprintf("%d of %d records of the good file were read", read, goodLines))
	}
	if decoded < c.decoded || c.rejected > 0 && rejected != c.rejected {
		wrong = append(wrong, fmt.Sprintf("of the bad file %d records were decoded and %d rejected, not %d and %d", decoded, rejected, c.decoded, c.rejected))
	}
	return wrong, said
}
