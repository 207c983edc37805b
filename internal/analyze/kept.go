package analyze

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/report"
	"vedette/internal/store/segments"
)

// rowRef is what rows of segments are called.
var rowRef = regexp.MustCompile(`^[0-9]+-[0-9]+-[0-9]+#[0-9]+$`)

// Live reports whether a reference leads into the event store of a daemon, and not to a
// file that is there.
func Live(ref string) bool {
	name, _, _ := strings.Cut(ref, "!")
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		name = name[:i]
	}
	_, err := os.Lstat(filepath.FromSlash(name))
	return err != nil && (rowRef.MatchString(ref) || strings.HasPrefix(name, "syslog/") || strings.HasPrefix(name, "push/") || tailed.MatchString(name))
}

// tailed is what the names of files end with that a daemon follows.
var tailed = regexp.MustCompile(`@[0-9a-f]{12}(-[0-9]+)?$`)

// ShowKept returns what the event store in a folder of data keeps of the record that ref
// leads to: "SOURCE#POSITION" as the console and the API name records, such as
// "/logs/conn.log@0123456789ab#17", or "SEGMENT#ROW". The daemon may run meanwhile.
func ShowKept(ctx context.Context, data, ref string) (Shown, error) {
	i := strings.LastIndexByte(ref, '#')
	n, err := strconv.ParseUint(ref[i+1:], 10, 64)
	if i <= 0 || err != nil {
		return Shown{}, errRef
	}
	store, err := segments.Look(filepath.Join(data, "events"))
	if err != nil {
		return Shown{}, fault.Wrap(fault.KindOf(err), fmt.Errorf("%w; name the configuration of the daemon with -c if its data is elsewhere", err))
	}
	defer store.Close()
	var s Shown
	if rowRef.MatchString(ref) {
		at, err := segments.ParseRef(ref)
		if err != nil {
			return s, err
		}
		var b event.Batch
		v, err := store.Event(at, &b)
		if errors.Is(err, fs.ErrNotExist) {
			err = fault.New(fault.NotFound, fmt.Sprintf("the segment of %s was removed just now (see keep in the configuration)", ref))
		}
		if err != nil {
			return s, err
		}
		s.Events = append(s.Events, fieldsOf(v))
		return s, nil
	}
	seen := map[uint16]bool{} // one that was written twice, because of a crash, is one
	err = store.Find(ctx, segments.Place{Source: ref[:i], Position: n, Index: -1}, func(_ segments.Ref, v event.View) error {
		if !seen[v.Head().Index] {
			seen[v.Head().Index] = true
			s.Events = append(s.Events, fieldsOf(v))
		}
		return nil
	})
	switch {
	case len(s.Events) > 0: // something else could not be read
		return s, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist): // what is not there was removed meanwhile
		return s, err
	}
	return s, missing(store, ref[:i], n)
}

// missing says why a record is not there, as far as that can be told.
func missing(store *segments.Store, source string, n uint64) error {
	first, last, all := store.Span(source)
	why := "it was never there, made no event, was removed (see keep in the configuration), or was not written yet"
	switch {
	case all && last == 0:
		why = "nothing of this source is kept; if it has just begun, its events are written within five minutes"
	case last > 0 && n < first:
		why = fmt.Sprintf("the oldest that is kept of this source is #%d; older ones were removed (see keep in the configuration)", first)
	case last > 0 && n > last:
		why = fmt.Sprintf("the last that is written of this source is #%d; the daemon writes within five minutes, and until then the console shows it", last)
	}
	return fault.New(fault.NotFound, fmt.Sprintf("there is no record %s#%d in the event store: %s", source, n, why))
}

func fieldsOf(v event.View) (fields []report.Field) {
	for name, value := range v.Fields {
		fields = append(fields, report.Field{Name: name, Value: value})
	}
	return fields
}
