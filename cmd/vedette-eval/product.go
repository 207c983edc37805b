package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The objects that `vedette analyze --json` prints, as far as they are wanted here.

type sourceLine struct {
	Path     string           `json:"path"`
	Format   string           `json:"format"`
	Records  int64            `json:"records"`
	Events   int64            `json:"events"`
	Rejected int64            `json:"rejected"`
	Reasons  map[string]int64 `json:"reasons"`
	Datasets map[string]int64 `json:"datasets"`
}

type findingLine struct {
	ID       string   `json:"id"`
	Time     string   `json:"time"`
	Entity   string   `json:"entity"`
	Peers    []string `json:"peers"`
	Facet    string   `json:"facet"`
	Nats     float64  `json:"nats"`
	Why      string   `json:"why"`
	Evidence []string `json:"evidence"`
}

type incidentLine struct {
	ID        string   `json:"id"`
	Score     int      `json:"score"`
	Surfaced  bool     `json:"surfaced"`
	Verdict   string   `json:"verdict"`
	Title     string   `json:"title"`
	Entities  []string `json:"entities"`
	Findings  []string `json:"findings"`
	Narrative []struct {
		Text     string   `json:"text"`
		Evidence []string `json:"evidence"`
	} `json:"narrative"`
}

type summaryLine struct {
	Records   int64 `json:"records"`
	Events    int64 `json:"events"`
	Rejected  int64 `json:"rejected"`
	Entities  int64 `json:"entities"`
	Findings  int64 `json:"findings"`
	Incidents int64 `json:"incidents"`
	Surfaced  int64 `json:"surfaced"`
}

// outcome is what a run of the product did.
type outcome struct {
	Exit      int
	Seconds   float64 // wall clock of the process
	CPU       float64 // seconds, of all its threads
	Peak      int64   // bytes of memory it held at most; 0 if unknown
	Hash      string  // SHA-256 of the output, less the seconds in the summary
	Sources   []sourceLine
	Findings  []findingLine // in the order of the output
	Incidents []incidentLine
	Summary   *summaryLine // nil if there was none
	Messages  []string     // what it said on the side, at most maxMessages lines
}

const maxMessages = 5000

// job is how to run the product.
type job struct {
	args    []string // after "analyze --json"
	oneCore bool     // on one core, with one worker
	nobody  bool     // as a user without rights, if we may
	timeout time.Duration
}

// build builds the product as releases are built, and returns where it is.
func build(ctx context.Context, dir string, flags ...string) (string, error) {
	where, err := sourceFolder(ctx)
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "vedette")
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", bin}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/vedette")...)
	cmd.Dir = where
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, bytes.TrimSpace(out))
	}
	return bin, nil
}

// sourceFolder returns the folder of the program's source.
func sourceFolder(ctx context.Context) (string, error) {
	where, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("finding the source of the program: %w; run it from there, or say --binary", err)
	}
	return strings.TrimSpace(string(where)), nil
}

// analyze runs `vedette analyze --json` on paths. An error means that it could not be run
// or that its output is no output of analyze; what it thought of the input is in the outcome.
func (b *bench) analyze(ctx context.Context, j job, paths ...string) (outcome, error) {
	args := append([]string{"analyze", "--json"}, j.args...)
	if j.oneCore {
		args = append(args, "--workers", "1")
	}
	args = append(append(args, "--"), paths...)
	if j.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.timeout)
		defer cancel()
	}
	name := b.Binary
	if j.oneCore {
		name, args = pinned(name, args)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TMPDIR="+b.Temp)
	if j.oneCore {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	}
	if j.nobody {
		if err := asNobody(cmd); err != nil {
			return outcome{}, err
		}
	}
	return watch(ctx, cmd)
}

// watch runs a command to its end.
func watch(ctx context.Context, cmd *exec.Cmd) (o outcome, err error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return o, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return o, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return o, fmt.Errorf("running the program: %w", err)
	}
	peak := watchPeak(cmd.Process.Pid)
	var wait sync.WaitGroup
	wait.Go(func() { o.Messages = messages(stderr) })
	readErr := o.read(stdout)
	wait.Wait()
	err = cmd.Wait()
	o.Seconds = time.Since(began).Seconds()
	o.Peak = peak(cmd.ProcessState)
	o.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	o.Exit = cmd.ProcessState.ExitCode()
	if ctx.Err() != nil {
		return o, fmt.Errorf("the program did not end within its time: %w", ctx.Err())
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return o, fmt.Errorf("running the program: %w", err)
	}
	return o, readErr
}

// read reads the output, hashes it and keeps what is wanted.
func (o *outcome) read(r io.Reader) error {
	h := sha256.New()
	in := bufio.NewReaderSize(r, 256<<10)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			hashed, err := o.line(line)
			if err != nil {
				_, _ = io.Copy(io.Discard, r) // so that the program can end; the error is told
				return fmt.Errorf("line %d of its output: %w", n, err)
			}
			h.Write(hashed)
		}
		if err == io.EOF {
			o.Hash = hex.EncodeToString(h.Sum(nil))
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading its output: %w", err)
		}
	}
}

// line takes one object, and returns what of it must be the same in every run.
func (o *outcome) line(line []byte) ([]byte, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, err
	}
	switch head.Type {
	case "source":
		return line, take(line, &o.Sources)
	case "finding":
		return line, take(line, &o.Findings)
	case "incident":
		return line, take(line, &o.Incidents)
	case "summary":
		var all []summaryLine
		var raw map[string]json.RawMessage
		if err := errors.Join(take(line, &all), json.Unmarshal(line, &raw)); err != nil {
			return nil, err
		}
		o.Summary = &all[0]
		delete(raw, "seconds")
		return json.Marshal(raw) // sorts the keys
	case "":
		return nil, errors.New("an object without a type")
	}
	return line, nil
}

func take[T any](line []byte, all *[]T) error {
	var v T
	if err := json.Unmarshal(line, &v); err != nil {
		return err
	}
	*all = append(*all, v)
	return nil
}

// messages reads what the program says on the side.
func messages(r io.Reader) (all []string) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if len(all) < maxMessages {
			all = append(all, in.Text())
		}
	}
	_, _ = io.Copy(io.Discard, r) // if a line was too long, the rest is of no use
	return all
}
