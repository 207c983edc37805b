package guard

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestFormsWithPartsAreNotRead(t *testing.T) {
	h := Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was let through") }), Options{})
	for _, kind := range []string{"multipart/form-data; boundary=x", " Multipart/Mixed"} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader("--x"))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", kind, w.Code)
		}
	}
}

// TestPackedIsSentAtOnce: what is written and flushed reaches a reader that takes packed text,
// while the rest is still being made.
func TestPackedIsSentAtOnce(t *testing.T) {
	goOn := make(chan struct{})
	s := httptest.NewServer(Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = w.Write([]byte("first\n"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-goOn
		_, _ = w.Write([]byte("second\n"))
	}), Options{}))
	defer s.Close()
	r, err := s.Client().Get(s.URL) // it unpacks by itself
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	first := make([]byte, 6)
	if _, err := io.ReadFull(r.Body, first); err != nil || string(first) != "first\n" {
		t.Errorf("%q, %v", first, err)
	}
	close(goOn)
	if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != "second\n" {
		t.Errorf("%q, %v", rest, err)
	}
}
