package console

import (
	"fmt"
	"net/http"
	"time"

	"vedette/internal/auth"
	"vedette/internal/fault"
	"vedette/internal/narrate"
)

const (
	mostStreams = time.Hour        // how long one lasts before the browser asks again
	stillThere  = 20 * time.Second // how often it is seen whether the session is
)

// showChanges tells a page what has changed, as server-sent events. It ends with the session.
func showChanges(v *visit) error {
	out := http.NewResponseController(v.w)
	ctx := v.Context()
	changes := v.c.Changes.Watch(ctx, v.who.Tenant())
	_ = out.SetWriteDeadline(time.Time{}) // where there is one; a stream has none
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(v.w, "retry: 5000\n\n"); err != nil {
		return nil
	}
	_ = out.Flush()
	beat, end := time.NewTicker(stillThere), time.NewTimer(mostStreams)
	defer beat.Stop()
	defer end.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-end.C:
			return nil
		case c, ok := <-changes:
			if !ok {
				return nil
			}
			switch c.What {
			case "incident", "source", "health", "settings":
				_, err = fmt.Fprintf(v.w, "event: change\ndata: %s %s\n\n", c.What, narrate.ID(c.ID))
			}
		case <-beat.C:
			if v.gone() {
				_, _ = fmt.Fprint(v.w, "event: over\ndata: signed out\n\n")
				_ = out.Flush()
				return nil
			}
			_, err = fmt.Fprint(v.w, ": still here\n\n")
		}
		if err != nil || out.Flush() != nil {
			return nil
		}
	}
}

// gone reports whether the session that the stream belongs to has ended, or lost the right.
func (v *visit) gone() bool {
	k, err := v.Cookie(v.c.sessionCookie())
	if err != nil {
		return true
	}
	who, _, err := v.c.Door.Admit(v.Context(), k.Value, true)
	return err != nil && fault.KindOf(err) == fault.Denied || err == nil && !who.May(auth.ReadIncidents)
}
