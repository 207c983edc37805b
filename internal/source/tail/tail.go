// Package tail follows files that grow, and folders that files are put into.
//
// A file is known by what it begins with, so that it is the same file after it was renamed,
// copied away or packed by whatever rotates it, and is never read twice; device and inode
// only help to find it. What was not read when a file was rotated is read before the file
// that takes its place. A line is taken when its end is there; the last line of a file that
// nobody writes to any more is taken as it is.
//
// A source is called PATH@FINGERPRINT: the path at which the file was seen first, and
// twelve digits of the SHA-256 of its first bytes; its positions are the numbers of its
// lines. So evidence is found again after rotation: by looking, near that path, for the
// file that begins so, packed or not. The first bytes are as many as there were when the
// file was begun, rounded down to a power of two and at most 1 KiB: a finder tries those
// seven lengths, and the shorter ones for a file that began with less than 16. Of files at the same path that begin alike, the second is called
// PATH@FINGERPRINT-2, and so on.
//
// When it goes on inside a file that begins with lines of #, such as Zeek's, it emits these
// again first, with their own positions: they make no events, and the decoder needs them.
//
// With drop, files are put into a folder whole: each is read once, when it has stopped
// growing, and stays where it is. Packed files (gzip, zstd) are read like that everywhere.
// What was read is forgotten a day after it disappears from disk.
//
// A file that was begun is found after rotation beside where it was, also if that happened
// while nobody looked. One that came and was rotated away between two looks, or while the
// program was down, is found only if paths matches its new name too: "/logs/conn*" is better
// than "/logs/conn.log". A folder beside, as Zeek's archive is, must be in paths as well.
package tail

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"vedette/internal/fault"
	"vedette/internal/plug"
	"vedette/internal/source"
)

// Kind is the follower of files.
var Kind = source.Kind{
	Info: plug.Info{Name: "tail", Summary: "Follows log files as they grow and rotate, and folders that files are put into"},
	New:  newFeed,
}

// settings is the part of the configuration.
type settings struct {
	Paths     []string      `yaml:"paths"`     // files, folders, patterns of both
	Recursive bool          `yaml:"recursive"` // folders inside folders too
	Drop      bool          `yaml:"drop"`      // files are complete once they stop growing
	Settle    time.Duration `yaml:"settle"`    // how long a file must not have grown for that
	Poll      time.Duration `yaml:"poll"`      // how often it looks
	Format    string        `yaml:"format"`    // of the lines; empty if it is to be recognised
}

// feed follows files.
type feed struct {
	settings settings
	now      func() time.Time
	wait     func(ctx context.Context, d time.Duration)
	limit    int // files that may be open at once, when it can be helped
}

func newFeed(part []byte) (source.Feed, error) {
	f := &feed{
		settings: settings{Settle: 10 * time.Second, Poll: time.Second},
		now:      time.Now, wait: wait, limit: 256,
	}
	if err := source.Decode(part, &f.settings); err != nil {
		return nil, err
	}
	s := &f.settings
	if len(s.Paths) == 0 {
		return nil, fault.New(fault.Invalid, "paths: there is nothing to follow")
	}
	if s.Settle <= 0 || s.Poll <= 0 {
		return nil, fault.New(fault.Invalid, "settle and poll: must be longer than 0s")
	}
	for _, p := range s.Paths {
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("paths: %q is no pattern", p))
		}
	}
	return f, nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Run implements [source.Feed].
func (f *feed) Run(ctx context.Context, place func(string) []byte, newOut func() source.Out) error {
	t := newTailer(f, place, newOut())
	defer t.close()
	for {
		began := f.now()
		t.look(ctx)
		next := began.Add(max(f.settings.Poll, 4*f.now().Sub(began))) // a folder of a hundred thousand is looked at less often
		for ctx.Err() == nil && f.now().Before(next) {
			started := f.now()
			more, err := t.read(ctx)
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("following files: %w", err)
			}
			if now := f.now(); !more && ctx.Err() == nil {
				f.wait(ctx, min(max(glance, 10*now.Sub(started)), max(next.Sub(now), 0)))
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// glance is how often files that are known are read on, between two looks at which there
// are: a line that was written is not to wait for the next look.
const glance = 100 * time.Millisecond

// errMoved says that a file is not what it was: it was truncated or written anew.
var errMoved = errors.New("the file is another")
