package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// clone measures what somebody who has just heard of the program waits for: from a clone of
// the source to the first finding on Zeek logs, with the modules there already.
func clone(ctx context.Context, b *bench) (r result, err error) {
	where, err := sourceFolder(ctx)
	if err != nil {
		return r, err
	}
	sample := zeekFolder{filepath.Join(where, "testdata", "demo"), "the sample in testdata/demo"}
	if err := b.cloneOnce(ctx, &r, where, sample, false); err != nil {
		return r, err
	}
	own, err := b.zeekFolder()
	if err == nil && own.dir != "" {
		err = b.cloneOnce(ctx, &r, where, own, false)
	}
	if err != nil {
		return r, err
	}
	return r, b.cloneOnce(ctx, &r, where, sample, true)
}

// zeekFolder is a folder of Zeek logs, and what it is called.
type zeekFolder struct{ dir, name string }

// zeekFolder returns the set with the most Zeek logs in the data, unpacked; none if there
// are no data.
func (b *bench) zeekFolder() (most zeekFolder, err error) {
	all, err := sets(b.Data)
	if errors.Is(err, os.ErrNotExist) {
		return most, nil
	}
	if err != nil {
		return most, err
	}
	logs := 0
	var chosen set
	for _, s := range all {
		n := 0
		err := s.leaves(func(l leaf) error {
			if head, _ := l.Reader.Peek(headSize); classify(head) == zeekColumns {
				n++
			}
			return nil
		})
		if err != nil {
			return most, err
		}
		if n > logs {
			logs, chosen = n, s
		}
	}
	if logs == 0 {
		return most, nil
	}
	if most.dir, err = os.MkdirTemp(b.Temp, "zeek-"); err != nil {
		return most, err
	}
	most.name = chosen.Name
	n := 0
	return most, chosen.leaves(func(l leaf) error {
		if head, _ := l.Reader.Peek(headSize); classify(head) != zeekColumns {
			return nil
		}
		n++
		name := strings.NewReplacer("/", ".", ":", ".", "!", ".").Replace(strings.TrimPrefix(l.Name, b.Data))
		f, err := os.Create(filepath.Join(most.dir, fmt.Sprintf("%05d%s.log", n, name[max(0, len(name)-100):])))
		if err != nil {
			return err
		}
		_, err = l.Reader.WriteTo(f)
		return errors.Join(err, f.Close())
	})
}

// cloneOnce goes the way once.
func (b *bench) cloneOnce(ctx context.Context, r *result, where string, logs zeekFolder, cold bool) error {
	set := "build cache as it is"
	if cold {
		set = "build cache empty"
	}
	set = logs.name + ", " + set
	b.say("%s", set)
	dir, err := os.MkdirTemp(b.Temp, "clone-")
	if err != nil {
		return err
	}
	began := time.Now()
	copied := filepath.Join(dir, "vedette")
	if err := quiet(ctx, dir, nil, "git", "clone", "--quiet", where, copied); err != nil {
		return fmt.Errorf("cloning: %w", err)
	}
	cloned := time.Now()
	env := []string{"GOFLAGS=-mod=mod", "GOPROXY=off"}
	if cold {
		env = append(env, "GOCACHE="+filepath.Join(dir, "cache"))
	}
	if err := quiet(ctx, copied, env, "go", "build", "-o", "vedette", "./cmd/vedette"); err != nil {
		return fmt.Errorf("building: %w", err)
	}
	built := time.Now()
	own := *b
	own.Binary = filepath.Join(copied, "vedette")
	d, err := own.start(ctx, filepath.Join(dir, "data"), fmt.Sprintf("sources: [{tail: {paths: [%q], recursive: true}}]\n", logs.dir))
	if err != nil {
		return err
	}
	answered := time.Now()
	seen, title, err := d.firstIncident(ctx)
	if err = errors.Join(err, d.stop()); err != nil {
		return err
	}
	b.say("%.1f s", seen.Sub(began).Seconds())
	f := r.add(set, "clone to first finding", seen.Sub(began).Seconds(), "s", fmt.Sprintf("%q; clone %s s, build %s s, start %s s, first finding %s s", title,
		number(cloned.Sub(began).Seconds()), number(built.Sub(cloned).Seconds()), number(answered.Sub(built).Seconds()), number(seen.Sub(answered).Seconds())))
	if !cold { // by then the modules are there, and on a second try so is what was built
		f.most(60)
	}
	return nil
}

// quiet runs a command and says what it said if it fails.
func quiet(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// firstIncident signs in as a new user would, and waits until there is an incident.
func (d *daemon) firstIncident(ctx context.Context) (time.Time, string, error) {
	if err := d.enter(ctx); err != nil {
		return time.Time{}, "", err
	}
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for _, pile := range []string{"surfaced", "hidden"} {
			var list struct {
				Items []struct {
					Title string `json:"title"`
				} `json:"items"`
			}
			if err := d.call(ctx, http.MethodGet, "/api/incidents?limit=1&pile="+pile, nil, nil, &list); err != nil {
				return time.Time{}, "", err
			}
			if len(list.Items) > 0 {
				return time.Now(), list.Items[0].Title + " (" + pile + ")", nil
			}
		}
	}
	return time.Time{}, "", errors.New("no incident within five minutes")
}
