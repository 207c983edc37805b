package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"vedette/internal/fault"
)

// Server answers on the socket of a data folder.
type Server struct {
	listener *net.UnixListener
	log      *slog.Logger
}

// Listen opens the socket of a data folder. One that is there was left by a daemon that was
// killed: the caller makes sure that there is no other. An error of kind NotFound says that
// this system has no such thing.
func Listen(data string, log *slog.Logger) (*Server, error) {
	path := Path(data)
	if !canTell {
		return nil, fault.New(fault.NotFound, "this system does not say who opens a socket, so there is none for vedette backup, reload and doctor; stop the daemon for a backup, and restart it for a new configuration")
	}
	if len(path) > longest {
		return nil, fault.New(fault.Invalid, fmt.Sprintf("%s is longer than the %d bytes that the path of a socket may have, so there is none for vedette backup, reload and doctor; use a shorter data folder", path, longest))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("removing an old control socket: %w", err))
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("opening the control socket: %w", err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, fmt.Errorf("opening the control socket: %w", err)), l.Close())
	}
	return &Server{l, log}, nil
}

// Serve answers until ctx ends. Then what is under way is broken off, and the socket removed.
func (s *Server) Serve(ctx context.Context, d Daemon) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+factsPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, d.Facts) })
	mux.HandleFunc("POST "+reloadPath, func(w http.ResponseWriter, r *http.Request) { answer(w, r, d.Reload) })
	mux.HandleFunc("POST "+backupPath, func(w http.ResponseWriter, r *http.Request) { backup(w, r, d) })
	h := &http.Server{
		Handler: mux, ReadHeaderTimeout: headerWait, ReadTimeout: headerWait, MaxHeaderBytes: mostHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	h.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = h.Close() })
	defer stop()
	err := h.Serve(&guarded{UnixListener: s.listener, log: s.log, free: make(chan struct{}, most)})
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("control socket: %w", err)
}

// guarded is a listener that lets in only who may.
type guarded struct {
	*net.UnixListener
	log  *slog.Logger
	free chan struct{}
}

// Accept implements net.Listener.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(c)
		if err == nil && (uid == 0 || uid == os.Geteuid()) {
			select {
			case g.free <- struct{}{}:
				return &conn{UnixConn: c, leave: sync.OnceFunc(func() { <-g.free })}, nil
			default:
				err = errors.New("too many at a time")
			}
		}
		g.log.Warn("somebody was turned away from the control socket", "uid", uid, "why", err)
		_ = c.Close()
	}
}

// conn gives back its place when it is closed.
type conn struct {
	*net.UnixConn
	leave func()
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.leave()
	return c.UnixConn.Close()
}

// problem is how an error is told.
type problem struct {
	Kind fault.Kind `json:"kind"`
	Says string     `json:"says"`
}

// answer answers with what f returns.
func answer[T any](w http.ResponseWriter, r *http.Request, f func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	got, err := f(ctx)
	var body any = got
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		body = problem{fault.KindOf(err), err.Error()}
		w.WriteHeader(http.StatusInternalServerError)
	}
	_ = json.NewEncoder(w).Encode(body) // an error is the reader's having gone
}

// backup answers with a backup. Whether it is whole is said behind it.
func backup(w http.ResponseWriter, r *http.Request, d Daemon) {
	w.Header().Set("Trailer", failed+", "+ended)
	w.Header().Set("Content-Type", "application/octet-stream")
	err := d.Backup(r.Context(), stalling{w, http.NewResponseController(w)}, r.URL.Query().Get("keys") == "yes")
	if err != nil {
		b, _ := json.Marshal(problem{fault.KindOf(err), err.Error()})
		w.Header().Set(failed, string(b))
		return
	}
	w.Header().Set(ended, "yes")
}

// stalling gives up a reader that takes nothing for long.
type stalling struct {
	io.Writer
	control *http.ResponseController
}

func (s stalling) Write(b []byte) (int, error) {
	if err := s.control.SetWriteDeadline(time.Now().Add(backupStall)); err != nil {
		return 0, err
	}
	return s.Writer.Write(b)
}
