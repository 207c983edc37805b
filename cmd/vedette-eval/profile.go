package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A program that is measured has no way to ask for its profile, since nobody who runs it
// needs one. So it is built with one more file, which writes a profile when told to by a
// signal, and is the same program otherwise.

const profileSeconds = 30

const profileFile = `package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"
)

var _ = profileWhenTold()

func profileWhenTold() bool {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		<-told
		f, err := os.Create(os.Getenv("VEDETTE_EVAL_PROFILE"))
		if err != nil || pprof.StartCPUProfile(f) != nil {
			return
		}
		time.Sleep(30 * time.Second)
		pprof.StopCPUProfile()
		f.Close()
	}()
	return true
}
`

// buildProfiled builds the product with that file in it.
func (b *bench) buildProfiled(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp(b.Temp, "profiled-")
	if err != nil {
		return "", err
	}
	where, err := sourceFolder(ctx)
	if err != nil {
		return "", err
	}
	file, overlay := filepath.Join(dir, "file.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(where, "cmd", "vedette", "profile_when_told.go"): file}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, []byte(profileFile), 0o600); err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", err
	}
	return build(ctx, dir, "-overlay", overlay)
}

// profile reads a profile into a table of the functions in and below which the time goes.
func profile(ctx context.Context, binary, path string) (table, error) {
	t := table{
		Title: fmt.Sprintf("Where the CPU time of the daemon goes, from a profile of %d s in the middle: in a function itself, and with all that it calls", profileSeconds),
		Head:  []string{"function", "itself", "with all it calls"},
	}
	for _, order := range []string{"-cum", "-flat"} {
		out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", order, "-nodecount", "45", binary, path).Output()
		if err != nil {
			return t, fmt.Errorf("reading the profile: %w", err)
		}
		rows := 0
		for line := range strings.Lines(string(out)) {
			f := strings.Fields(line)
			if len(f) < 6 || !strings.HasSuffix(f[4], "%") || order == "-cum" && !strings.Contains(line, "vedette/") {
				continue
			}
			if rows++; rows > 20 {
				break
			}
			t.Rows = append(t.Rows, []string{strings.Join(f[5:], " "), f[1], f[4]})
		}
	}
	return t, nil
}
