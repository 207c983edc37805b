package analyze

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vedette/internal/decode"
	"vedette/internal/fault"
	"vedette/internal/report"
	"vedette/internal/source"
	"vedette/internal/source/file"
)

// Shown is a record behind a reference.
type Shown struct {
	Raw    []byte           // as it stands in its source; nil if only its events are kept
	Events [][]report.Field // what was made of it
}

var errRef = fault.New(fault.Invalid, "a reference is a path, # and a number, such as conn.log#17 or logs.tar!conn.log#17, or as the console names it")

// Show returns the record that ref, such as "conn.log#17" or "logs.tar!conn.log#17",
// leads to.
func Show(ctx context.Context, ref string) (Shown, error) {
	i := strings.LastIndexByte(ref, '#')
	n, err := strconv.ParseUint(ref[i+1:], 10, 64)
	if i <= 0 || err != nil || n == 0 {
		return Shown{}, errRef
	}
	name := ref[:i]
	path, _, _ := strings.Cut(name, "!")
	tree, err := file.Find(ctx, []string{path})
	if err != nil {
		return Shown{}, err
	}
	var s Shown
	problem := fault.New(fault.NotFound, fmt.Sprintf("there is no %s", name))
	groups := tree.Groups(file.DefaultLimits())
	for _, g := range groups {
		err := g.Each(ctx, func(item source.Item) error {
			if item.Name == name {
				s.Raw, problem = line(item, n)
			}
			return nil
		})
		if err != nil {
			return s, err
		}
	}
	if problem != nil {
		return s, problem
	}
	s.Events = read(ctx, groups, nil, map[string]map[uint64]bool{name: {n: true}})[name][n]
	return s, nil
}

// line returns a line of an item.
func line(item source.Item, n uint64) ([]byte, error) {
	if item.Err != nil {
		return nil, fault.Wrap(fault.KindOf(item.Err), fmt.Errorf("%s: %w", item.Name, item.Err))
	}
	if item.Reader == nil {
		return nil, fault.New(fault.Unreadable, fmt.Sprintf("%s: %s", item.Name, item.Skip))
	}
	lines := source.NewLines(decode.MaxRecord)
	lines.Reset(item.Reader)
	if _, err := lines.Head(1); err != nil {
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("%s: %w", item.Name, err))
	}
	for {
		b, err := lines.Next()
		if lines.Position() == n && err == nil {
			return append([]byte(nil), b...), nil
		}
		if lines.Position() >= n {
			return nil, fault.New(fault.Unreadable, "the line is longer than a record can be")
		}
		if err != nil && !errors.Is(err, source.ErrTooLong) {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("%s has only %d lines", item.Name, lines.Position()))
		}
	}
}
