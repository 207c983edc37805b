package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// What the book knows beside the accounts, which stand in the state: how sources use to
// speak, and what today brought. It is kept in a file so that a restart does not forget it.
// Without the file nothing is wrong: it is found out again.

// bookFile is its name in the folder of data.
const bookFile = "sources.json"

// habit is how a source uses to speak.
type habit struct {
	Format string        `json:"format,omitempty"`
	First  time.Time     `json:"first"`
	Last   int64         `json:"last"`   // time of its latest event, Unix nanoseconds
	Hours  [24]int64     `json:"hours"`  // received, by hour of the clock modulo 24
	Hour   int64         `json:"hour"`   // Unix hour of the latest of them
	Quiet  time.Duration `json:"quiet"`  // the longest that it was silent between two records, fading
	Visits int           `json:"visits"` // how often something new had come
}

// today is what a day brought.
type today struct {
	Day      int64 `json:"day"` // Unix day
	Records  int64 `json:"records"`
	Events   int64 `json:"events"`
	Findings int64 `json:"findings"`
}

// page is the file.
type page struct {
	Today   today            `json:"today"`
	Sources map[string]habit `json:"sources"`
}

// remember reads the file. What is told of today counts if it still is.
func (f *Faces) remember() error {
	b, err := os.ReadFile(filepath.Join(f.daemon.config.Data, bookFile))
	var p page
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading how sources speak: %w", err)
	case json.Unmarshal(b, &p) != nil:
		f.daemon.log.Warn("how sources use to speak is found out again: the file was damaged", "file", bookFile)
		return nil
	}
	for name, h := range p.Sources { // any order: each row by itself
		if l := f.book.ledgers[name]; l != nil {
			l.habit = h
		}
	}
	if p.Today.Day == f.book.Day {
		f.book.today = p.Today
		f.tally.carried = p.Today.Findings
	}
	return nil
}

// note writes the file, if anything came in since it was written last.
func (f *Faces) note() error {
	found := f.tally.findings(f.daemon.date())
	b := &f.book
	b.lock.Lock()
	if !b.fresh {
		b.lock.Unlock()
		return nil
	}
	b.fresh = false
	p := page{b.today, make(map[string]habit, len(b.ledgers))}
	p.Today.Findings = found
	for name, l := range b.ledgers { // any order: from map to map
		p.Sources[name] = l.habit
	}
	b.lock.Unlock()
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding how sources speak: %w", err)
	}
	// The file is replaced as a whole: one that is cut off would be worth nothing.
	path := filepath.Join(f.daemon.config.Data, bookFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("keeping how sources speak: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keeping how sources speak: %w", err)
	}
	return nil
}
