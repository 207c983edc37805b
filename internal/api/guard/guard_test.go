package guard

import (
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
