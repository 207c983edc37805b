package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"

	"vedette/internal/daemon/doctor"
	"vedette/internal/fault"
)

// Client asks the daemon that runs on a data folder.
type Client struct {
	http http.Client
	path string
}

// Dial returns a client for the daemon that runs on a data folder. It connects for each
// question.
func Dial(data string) *Client {
	path := Path(data)
	return &Client{path: path, http: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}}
}

// Facts implements [Daemon].
func (c *Client) Facts(ctx context.Context) (f doctor.Facts, err error) {
	return f, c.ask(ctx, http.MethodGet, factsPath, &f)
}

// Reload implements [Daemon].
func (c *Client) Reload(ctx context.Context) (r Reloaded, err error) {
	return r, c.ask(ctx, http.MethodPost, reloadPath, &r)
}

// Backup implements [Daemon].
func (c *Client) Backup(ctx context.Context, to io.Writer, keys bool) error {
	path := backupPath
	if keys {
		path += "?keys=yes"
	}
	r, err := c.do(ctx, http.MethodPost, path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if _, err := io.Copy(to, r.Body); err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("the daemon broke off: %w", err))
	}
	if says := r.Trailer.Get(failed); says != "" {
		return told([]byte(says))
	}
	if r.Trailer.Get(ended) == "" {
		return fault.New(fault.Unavailable, "the daemon broke off")
	}
	return nil
}

func (c *Client) ask(ctx context.Context, method, path string, into any) error {
	r, err := c.do(ctx, method, path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, mostAnswer))
	switch {
	case err != nil:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("the daemon broke off: %w", err))
	case r.StatusCode == http.StatusInternalServerError:
		return told(b)
	case r.StatusCode != http.StatusOK:
		return fault.New(fault.Unavailable, "the daemon that runs is another version, and does not know this; restart it")
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading the answer of the daemon: %w", err)
	}
	return nil
}

// told returns the error that the daemon told.
func told(b []byte) error {
	var p problem
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("reading the answer of the daemon: %w", err)
	}
	return fault.Wrap(p.Kind, fmt.Errorf("the daemon says: %s", p.Says))
}

// do asks. An error of kind NotFound says that no daemon runs.
func (c *Client) do(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://control"+path, nil)
	if err != nil {
		return nil, err
	}
	a, err := c.http.Do(r)
	switch {
	case err == nil:
		return a, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fault.New(fault.NotFound, "no daemon answers on "+c.path)
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.New(fault.Denied, c.path+" may be opened only by the user that the daemon runs as, and by root: run this with sudo, or sudo -u that user")
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("asking the daemon: %w", err))
}
