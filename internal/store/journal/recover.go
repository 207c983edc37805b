package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vedette/internal/input"
)

// launch starts a server on what is on the disk, and finds out what is missing there.
func (j *Journal) launch(ctx context.Context) error {
	before, _, err := blocks(j.dir)
	if err != nil {
		return err
	}
	if j.engine, err = start(ctx, j.dir); err != nil {
		return err
	}
	b, lost, err := j.fill(ctx)
	if err == nil {
		err = errors.Join(syncFolders(j.dir), j.mark.reach(b.last), j.mark.begin(b.first))
	}
	var after int64
	if err == nil {
		after, j.block, err = blocks(j.dir)
	}
	if err != nil {
		j.engine.close()
		j.engine = nil
		return err
	}
	j.set(func(old *bounds) {
		*old = b
		if s := loss(b, lost, before-after); s != "" {
			j.recovered = s
		}
	})
	return nil
}

// loss puts into words what is missing.
func loss(b bounds, tail, bytes int64) string {
	var parts []string
	if tail > 0 {
		parts = append(parts, fmt.Sprintf("the newest %d entries are lost", tail))
	}
	missing := int64(b.last) + 1 - int64(b.first) - int64(b.entries)
	if b.entries == 0 { // the newest are not filled in
		missing -= tail
	}
	if missing > 0 {
		parts = append(parts, fmt.Sprintf("%d entries between %d and %d are lost", missing, b.first, b.last))
	}
	if bytes > 0 {
		parts = append(parts, fmt.Sprintf("%d damaged bytes were cut off", bytes))
	}
	return strings.Join(parts, "; ")
}

// fill takes the positions of acknowledged entries that are missing at the end, so that
// no other entry gets them. It returns what there is then, and how many they were. What
// is missing at the beginning counts as there, so that who reads it is told.
func (j *Journal) fill(ctx context.Context) (b bounds, lost int64, err error) {
	first, reached := j.mark.get()
	if b, err = j.engine.bounds(ctx); err != nil {
		return b, 0, err
	}
	last := b.last
	if b.entries == 0 && last < reached { // all are lost: the server can skip to any position
		last = reached
		if _, err = j.engine.purge(ctx, reached+1); err != nil {
			return b, 0, err
		}
	}
	for last < reached {
		group := make([]*request, min(maxGroup, reached-last))
		for i := range group {
			group[i] = &request{}
		}
		if err := j.publish(group, last); err != nil {
			return b, 0, fmt.Errorf("numbering on after lost entries: %w", err)
		}
		last += input.Position(len(group))
	}
	if lost = int64(last - b.last); lost > 0 {
		if b, err = j.engine.bounds(ctx); err != nil {
			return b, 0, err
		}
	}
	if first > 0 && first <= b.last+1 { // what is missing before the server's first was not forgotten
		b.first = first
	}
	return b, lost, nil
}

// restart starts a new server in the place of one that can write no more, if the group
// has room on the disk now.
func (j *Journal) restart(group []*request) error {
	need := int64(64 << 10) // for the server's own files
	for _, r := range group {
		need += cost(r)
	}
	if err := probe(j.dir, need); err != nil {
		return err
	}
	j.engineLock.Lock()
	defer j.engineLock.Unlock()
	if j.engine != nil {
		j.engine.close()
		j.engine = nil
	}
	if err := j.launch(context.Background()); err != nil {
		return err
	}
	j.broken = nil
	return nil
}
