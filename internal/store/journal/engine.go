package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"vedette/internal/fault"
	"vedette/internal/input"
)

// stream is the name of the only stream and of its only subject.
const stream = "journal"

// patience is how long an answer of the server is waited for. It is in this process, so
// only a disk that does not answer can make it wait.
const patience = time.Minute

const forever = 1 << 20 * time.Hour

// engine is a running server with its connections. A server that met an error in writing
// does not write again; it is replaced.
type engine struct {
	server      *server.Server
	write, read *nats.Conn // apart, since the server reads the disk before it takes the next request of a connection
	js          jetstream.JetStream
	notes       *notes
}

// start starts a server on what is in dir.
func start(ctx context.Context, dir string) (e *engine, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e = &engine{notes: &notes{failed: make(chan struct{})}}
	e.server, err = server.NewServer(&server.Options{
		ServerName:         stream,
		DontListen:         true, // no socket at all
		NoSigs:             true,
		NoLog:              true, // to e.notes only
		NoSystemAccount:    true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,    // an entry is synced before it is acknowledged
		JetStreamMaxStore:  1 << 60, // or the server would take part of the disk that is free now for its limit
		JetStreamMaxMemory: 1 << 20,
		MaxPayload:         MaxEntry + 4096, // room for headers

		// A connection inside a process does not break; a disk may be slow for long.
		PingInterval: forever, DisableShortFirstPing: true,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up the server: %w", err)
	}
	e.server.SetLoggerV2(e.notes, false, false, false)
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	e.server.Start()
	if !e.server.JetStreamEnabled() {
		return nil, fmt.Errorf("starting the server: %w", e.notes.reason())
	}
	for _, c := range []**nats.Conn{&e.write, &e.read} {
		*c, err = nats.Connect("", nats.InProcessServer(e.server), nats.NoReconnect(), nats.Timeout(patience), nats.PingInterval(forever),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // or they are printed
		if err != nil {
			return nil, fmt.Errorf("connecting to the server: %w", err)
		}
	}
	if e.js, err = jetstream.New(e.write, jetstream.WithPublishAsyncMaxPending(2*maxGroup)); err != nil {
		return nil, fmt.Errorf("connecting to the server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = e.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: stream, Subjects: []string{stream}, Storage: jetstream.FileStorage,
		AllowDirect: true, DenyDelete: true,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the stream: %w", errors.Join(err, e.notes.reason()))
	}
	return e, nil
}

func (e *engine) close() {
	for _, c := range []*nats.Conn{e.write, e.read} {
		if c != nil {
			c.Close()
		}
	}
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// bounds asks the server what it has.
func (e *engine) bounds(ctx context.Context) (bounds, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := e.js.Stream(ctx, stream)
	if err != nil {
		return bounds{}, fmt.Errorf("asking the server what it has: %w", err)
	}
	b := s.CachedInfo().State
	return bounds{
		first: input.Position(max(b.FirstSeq, 1)), last: input.Position(b.LastSeq),
		entries: b.Msgs, bytes: int64(b.Bytes),
	}, nil
}

// purge removes the entries before the position and returns what is left.
func (e *engine) purge(ctx context.Context, before input.Position) (bounds, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := e.js.Stream(limited, stream)
	if err != nil {
		return bounds{}, err
	}
	if err := s.Purge(limited, jetstream.WithPurgeSequence(uint64(before))); err != nil {
		return bounds{}, err
	}
	return e.bounds(ctx)
}

// notes takes what the server logs. It is how errors in writing are learned: the server
// does not answer the request that met them.
type notes struct {
	lock     sync.Mutex
	err      error         // the first that it logged as one
	stopped  bool          // it will not write again
	failed   chan struct{} // closed when it has stopped
	unopened int           // how often a file of entries could not be read
}

// reason returns the first error, or nil.
func (n *notes) reason() error {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.err
}

func (n *notes) unread() int {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.unopened
}

// stops are parts of what the server says when it stops writing.
var stops = []string{"ritical write error", "failed to store", "disabling", "DISABLED"}

func (n *notes) take(bad bool, format string, v []any) {
	n.lock.Lock()
	defer n.lock.Unlock()
	stop := slices.ContainsFunc(stops, func(s string) bool { return strings.Contains(format, s) })
	if (bad || stop) && (n.err == nil || stop && !n.stopped) {
		n.err = fault.Wrap(fault.Unavailable, fmt.Errorf("the server says: "+format, v...))
		for _, full := range diskFull {
			if strings.Contains(n.err.Error(), full.Error()) {
				n.err = errFull(full)
			}
		}
	}
	if stop && !n.stopped {
		n.stopped = true
		close(n.failed)
	}
	if strings.Contains(format, "loadBlock error") {
		n.unopened++
	}
}

// Errorf implements server.Logger.
func (n *notes) Errorf(format string, v ...any) { n.take(true, format, v) }

// Fatalf implements server.Logger.
func (n *notes) Fatalf(format string, v ...any) { n.take(true, format, v) }

// Warnf implements server.Logger.
func (n *notes) Warnf(format string, v ...any) { n.take(false, format, v) }

// Noticef implements server.Logger.
func (n *notes) Noticef(string, ...any) {}

// Debugf implements server.Logger.
func (n *notes) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (n *notes) Tracef(string, ...any) {}

func errFull(cause error) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("the disk of the journal is full: %w", cause))
}
