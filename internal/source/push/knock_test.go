package push

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"vedette/internal/source/sourcetest"
)

// TestWrongTokens: who guesses is slowed down, and who has sent from there before is not.
func TestWrongTokens(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	l := listen(t, sourcetest.NewLog(), &sourcetest.Life{}, func(f *feed) { f.now = func() time.Time { return now } })
	if a := l.post("/v1/push", "{}\n"); a.status != http.StatusOK {
		t.Fatalf("%+v", a)
	}
	var last answered
	refused := 0
	for i := range 60 {
		last = l.post([]string{"/v1/push", "/services/collector", "/_bulk"}[i%3], "{}\n", "Authorization", "Bearer guess "+strconv.Itoa(i))
		switch last.status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable: // HEC has a code of its own for it
			refused++
		case http.StatusUnauthorized, http.StatusForbidden: // as each protocol has it
		default:
			t.Fatalf("%+v", last)
		}
	}
	wrong, notLooked := l.feed.Knocks()
	if refused != 30 || wrong != 30 || notLooked != 30 {
		t.Errorf("%d refused; counted %d wrong and %d refused", refused, wrong, notLooked)
	}
	if last.header.Get("Retry-After") == "" || !strings.Contains(last.header.Get("Content-Type"), "json") {
		t.Errorf("%+v", last)
	}
	if a := l.post("/v1/push", "{}\n"); a.status != http.StatusOK {
		t.Errorf("who has sent before is kept out: %+v", a)
	}
	if a := l.post("/v1/push", "{}\n", "Authorization", "Bearer two"); a.status != http.StatusTooManyRequests {
		t.Errorf("a new one at the same moment: %+v", a)
	}
	now = now.Add(2 * time.Second)
	if a := l.post("/v1/push", "{}\n", "Authorization", "Bearer two"); a.status != http.StatusOK {
		t.Errorf("a new one a moment later: %+v", a)
	}
}
