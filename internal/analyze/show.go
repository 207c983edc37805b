package analyze

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"vedette/internal/decode"
	"vedette/internal/fault"
	"vedette/internal/packet/pcap"
	"vedette/internal/report"
	"vedette/internal/source"
	"vedette/internal/source/file"
)

// Shown is a record behind a reference.
type Shown struct {
	Raw    []byte           // as it stands in its source; nil if only its events are kept
	Frame  bool             // it is a frame of a capture, and no text
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
				s.Raw, s.Frame, problem = raw(item, n)
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
	for _, e := range read(ctx, groups, nil, map[string]map[uint64]bool{name: {n: true}})[name] {
		s.Events = append(s.Events, e.fields)
	}
	return s, nil
}

// raw returns a line of an item, or a frame of one that is a capture.
func raw(item source.Item, n uint64) (b []byte, frame bool, err error) {
	if item.Err != nil {
		return nil, false, fault.Wrap(fault.KindOf(item.Err), fmt.Errorf("%s: %w", item.Name, item.Err))
	}
	if item.Reader == nil {
		return nil, false, fault.New(fault.Unreadable, fmt.Sprintf("%s: %s", item.Name, item.Skip))
	}
	lines := source.NewLines(decode.MaxRecord)
	lines.Reset(item.Reader)
	head, err := lines.Head(64)
	if err != nil {
		return nil, false, fault.Wrap(fault.Unreadable, fmt.Errorf("%s: %w", item.Name, err))
	}
	if pcap.Is(head) {
		b, err = frameOf(item.Name, lines, n)
		return b, true, err
	}
	b, err = line(item.Name, lines, n)
	return b, false, err
}

// frameOf returns a frame of a capture.
func frameOf(name string, lines *source.Lines, n uint64) ([]byte, error) {
	c, err := pcap.Open(lines.Rest())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := uint64(1); ; i++ {
		f, err := c.Next()
		switch {
		case err != nil:
			return nil, fault.New(fault.NotFound, fmt.Sprintf("%s has only %d frames that can be read", name, i-1))
		case i == n:
			return append([]byte(nil), f.Data...), nil
		}
	}
}

// line returns a line of a text.
func line(name string, lines *source.Lines, n uint64) ([]byte, error) {
	for {
		b, err := lines.Next()
		if lines.Position() == n && err == nil {
			return append([]byte(nil), b...), nil
		}
		if lines.Position() >= n {
			return nil, fault.New(fault.Unreadable, "the line is longer than a record can be")
		}
		if err != nil && !errors.Is(err, source.ErrTooLong) {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("%s has only %d lines", name, lines.Position()))
		}
	}
}
