package tail

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vedette/internal/source"
)

const (
	remember   = 24 * time.Hour   // a file that is gone
	searchFor  = 10 * time.Minute // the rest of a file that was rotated
	maxEntries = 10_000           // of a folder that are searched
	patience   = 6                // times settle, for a file to become like another
	maxBefore  = 8                // files that were at a path and are not read to their end
)

// tailer follows files. One goroutine uses it.
type tailer struct {
	*feed
	ask   func(string) []byte // for a place
	out   source.Out
	files []*file // in the order in which they are read
	known map[string]*file
	paths map[string][]string // keys of the files that were at a path, the present one last
	hand  int                 // where in files the next one to close is looked for
	count int                 // of open files
	buf   []byte
}

func newTailer(f *feed, ask func(string) []byte, out source.Out) *tailer {
	return &tailer{feed: f, ask: ask, out: out, known: map[string]*file{}, paths: map[string][]string{}, buf: make([]byte, maxLine+2)}
}

func (t *tailer) close() {
	for _, f := range t.files {
		f.close()
	}
}

// look sees which files are there, and which of them are those that were there before.
func (t *tailer) look(ctx context.Context) {
	now := t.now()
	paths, ids := map[string]os.FileInfo{}, map[[2]uint64]string{}
	found := t.settings.find()
	for _, x := range found {
		d, i := idOf(x.info)
		paths[x.path], ids[[2]uint64{d, i}] = x.info, x.path
	}
	for _, f := range t.files {
		f.here = false
		if info := paths[f.path]; info != nil && !f.adrift && os.SameFile(info, f.info) {
			f.at(info, now)
			delete(paths, f.path)
		}
	}
	for _, f := range slices.Clone(t.files) {
		if f.here || ctx.Err() != nil {
			continue
		}
		d, i := idOf(f.info)
		p := ids[[2]uint64{d, i}]
		if info := paths[p]; i != 0 && info != nil && !f.adrift { // renamed
			f.path, f.moved, f.outside = p, true, false
			f.at(info, now)
			delete(paths, p)
			continue
		}
		t.missing(f, now)
	}
	for _, x := range found {
		if paths[x.path] != nil {
			t.files = append(t.files, &file{path: x.path, info: x.info, size: x.info.Size(), here: true, since: now, changed: now})
		}
	}
	t.forget(now)
}

// at notes that the file is there.
func (f *file) at(info os.FileInfo, now time.Time) {
	if info.Size() != f.info.Size() {
		f.changed, f.broken = now, false
	}
	f.size = max(f.size, info.Size())
	f.info, f.here, f.left = info, true, time.Time{}
}

// missing looks for a file that is not at its path any more.
func (t *tailer) missing(f *file, now time.Time) {
	if f.outside && !f.adrift {
		if info, err := os.Stat(f.path); err == nil && os.SameFile(info, f.info) {
			f.at(info, now)
			return
		}
	}
	if f.left.IsZero() {
		f.left = now
	}
	f.moved = true
	if f.f != nil {
		if info, err := f.f.Stat(); err == nil {
			f.at(info, now)
			f.here, f.left = false, now
		}
		return
	}
	if f.key == "" || f.place.Done || now.Before(f.search) {
		return
	}
	f.search = now.Add(t.settings.Settle)
	if t.find(f, now) || now.Sub(f.left) < searchFor {
		return
	}
	if f.size > f.place.Offset {
		t.out.Lost(f.place.Source, "the rest of a file that was rotated or deleted was not found", 1)
	}
	f.place.Done = true
	t.out.Mark(f.key, f.noted())
}

// find looks beside where a file was for what it may have become.
func (t *tailer) find(f *file, now time.Time) bool {
	f.noted()
	folder, base := filepath.Split(f.path)
	stem, _, _ := strings.Cut(base, ".")
	entries, _ := os.ReadDir(filepath.Clean(folder))
	for _, e := range entries[:min(len(entries), maxEntries)] {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		d, i := idOf(info)
		if !(i != 0 && i == f.place.Inode && d == f.place.Device) && !strings.HasPrefix(e.Name(), stem) || t.follows(filepath.Join(folder, e.Name()), info) {
			continue
		}
		c := &file{path: filepath.Join(folder, e.Name()), info: info, here: true, outside: true, changed: now}
		if t.open(c) != nil {
			continue
		}
		head, err := c.start()
		if err == nil && !(c.packed && now.Sub(info.ModTime()) < t.settings.Settle) {
			if yes, _ := c.holds(head, f.place); yes {
				t.become(c, f, head)
				return true
			}
		}
		t.shut(c)
	}
	return false
}

// follows reports whether a file is followed already.
func (t *tailer) follows(path string, info os.FileInfo) bool {
	return slices.ContainsFunc(t.files, func(f *file) bool { return f.here && (f.path == path || os.SameFile(f.info, info)) })
}

// become has a file that was found take the place of the one that it is.
func (t *tailer) become(c, f *file, head []byte) {
	t.shut(f)
	if i := slices.Index(t.files, c); i >= 0 {
		t.files = slices.Delete(t.files, i, i+1)
	}
	c.key, c.place, c.first, c.moved = f.key, f.place, f.first, true
	c.header, c.broken = f.header, false
	c.resume(head)
	t.known[c.key] = c
	if i := slices.Index(t.files, f); i >= 0 {
		t.files[i] = c
	} else {
		t.files = append(t.files, c)
	}
}

// resume sets what is kept of the bytes before place.Offset, with which the file was
// compared just now.
func (f *file) resume(head []byte) {
	f.head, f.tail = slices.Clone(head[:f.place.HeadN]), nil
	if f.place.Offset > 0 {
		f.tail = slices.Clone(f.last)
	} else {
		f.stream = nil // others may have been compared since
	}
}

// forget drops files that are gone for long, unless their folder is gone too.
func (t *tailer) forget(now time.Time) {
	t.files = slices.DeleteFunc(t.files, func(f *file) bool {
		if f.here || f.left.IsZero() || f.f != nil {
			return false
		}
		if f.key == "" {
			return true
		}
		if now.Sub(f.left) < remember {
			return false
		}
		if _, err := os.ReadDir(filepath.Dir(f.path)); err != nil {
			return false
		}
		t.out.Mark(f.key, nil)
		if t.known[f.key] == f {
			delete(t.known, f.key)
		}
		if keys := t.paths[f.path]; len(keys) > 0 && keys[len(keys)-1] == f.key { // nothing came after it
			t.out.Mark("tail:"+f.path, nil)
			delete(t.paths, f.path)
		}
		return true
	})
}

// open opens a file, and closes others if there are too many.
func (t *tailer) open(f *file) error {
	if f.f != nil {
		return nil
	}
	for range t.files {
		if t.count < t.limit {
			break
		}
		t.hand = (t.hand + 1) % len(t.files)
		if other := t.files[t.hand]; other.f != nil && other != f && other.here && !other.packed {
			t.shut(other)
		}
	}
	if err := f.open(); err != nil {
		return err
	}
	t.count++
	return nil
}

// shut closes a file, which can be opened again.
func (t *tailer) shut(f *file) {
	if f.f != nil {
		t.count--
	}
	f.close()
}

// begin finds out which file it is: one that was read before, a copy of one, or a new one.
// It returns whether the file is to be read.
func (t *tailer) begin(f *file, now time.Time) bool {
	settled := now.Sub(f.changed) >= t.settings.Settle
	if f.info.Size() == 0 || f.broken || t.settings.Drop && !settled {
		if settled && !f.here {
			t.shut(f)
		}
		return false
	}
	if err := t.open(f); err != nil {
		return false // it is gone again, or not ours to read yet
	}
	head, err := f.start()
	if f.packed && !settled {
		t.shut(f)
		return false
	}
	if err != nil {
		f.broken = true
		t.out.Lost(printable(f.path), "a file that cannot be read: "+reason(err), 1)
		t.shut(f)
		return false
	}
	if len(head) == 0 { // truncated just now, or packed and empty
		f.broken = f.packed
		t.shut(f)
		return false
	}
	if !f.packed && !t.settings.Drop && !telling(head) && (!settled || onlyHeader(head)) {
		if settled && !f.here {
			t.shut(f)
		}
		return false
	}
	other, key, p, early := t.identify(f, head)
	switch {
	case other != nil && (other.here || other.f != nil):
		f.copyOf = other
		t.shut(f)
		return false
	case other != nil:
		t.become(f, other, head)
		return true
	case key != "":
		f.key, f.place, f.header = key, p, true
		f.moved = !strings.HasPrefix(p.Source, printable(f.path)+"@")
		f.resume(head)
		t.known[key] = f
		t.note(f)
		return true
	case early && !settled && now.Sub(f.since) < patience*t.settings.Settle:
		return false
	}
	return t.new(f, head)
}

// identify looks for a file that was read before and is this one. Early is whether it may
// become clear when the file has grown.
func (t *tailer) identify(f *file, head []byte) (other *file, key string, p place, early bool) {
	for _, k := range rungs(len(head)) {
		for twin := range maxTwins {
			key := keyOf(head[:k], twin+1)
			if other := t.known[key]; other != nil && other != f {
				other.noted()
				yes, soon := false, false
				if other.place.Offset == 0 {
					n := min(len(head), len(other.first))
					yes = bytes.Equal(head[:n], other.first[:n])
				} else {
					yes, soon = f.holds(head, other.place)
				}
				if early = early || soon; yes {
					return other, "", p, false
				}
				continue
			}
			p, ok := readPlace(t.ask(key))
			if !ok {
				continue
			}
			yes, soon := f.holds(head, p)
			if early = early || soon; yes {
				return nil, key, p, false
			}
		}
	}
	return nil, "", p, early
}

// new begins a file that nobody knows.
func (t *tailer) new(f *file, head []byte) bool {
	if f.packed {
		f.stream = nil // others may have been compared
	}
	head = head[:rungs(len(head))[0]]
	twin := 1
	for twin < maxTwins && (t.known[keyOf(head, twin)] != nil || len(t.ask(keyOf(head, twin))) > 0) {
		twin++
	}
	f.key, f.first = keyOf(head, twin), slices.Clone(head)
	f.place = place{Source: nameOf(f.path, head, twin)}
	t.known[f.key] = f
	t.note(f)
	return true
}
