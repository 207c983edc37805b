package console

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"vedette/internal/api"
	"vedette/internal/api/desktest"
)

// TestActions: whatever can be done in the console can be done by the API.
func TestActions(t *testing.T) {
	by := map[string][]string{ // operations, as the API describes them
		"/setup": {"post /api/setup"}, "/login": {"post /api/session"}, "/logout": {"delete /api/session"},
		"/theme":                  nil, // how one browser looks
		"/incidents":              {"put /api/incidents/{id}/verdict", "put /api/incidents/{id}/assignee", "post /api/incidents/{id}/close"},
		"/incidents/{id}/verdict": {"put /api/incidents/{id}/verdict"},
		"/incidents/{id}/assign":  {"put /api/incidents/{id}/assignee"},
		"/incidents/{id}/close":   {"post /api/incidents/{id}/close"},
		"/incidents/{id}/reopen":  {"post /api/incidents/{id}/reopen"},
		"/incidents/{id}/notes":   {"post /api/incidents/{id}/notes"},
		"/settings/password":      {"put /api/me/password"},
		"/settings/codes":         {"post /api/me/codes/secret", "put /api/me/codes"},
		"/settings/codes/off":     {"post /api/me/codes/off"},
		"/settings/sessions":      {"get /api/sessions", "delete /api/sessions/{id}"},
		"/settings/tokens":        {"get /api/tokens", "post /api/tokens"},
		"/settings/tokens/revoke": {"delete /api/tokens/{id}"},
		"/settings/budget":        {"put /api/settings/budget"},
		"/settings/people":        {"get /api/people", "post /api/people"},
		"/settings/people/{name}": {"patch /api/people/{name}", "post /api/people", "get /api/people/{name}/sessions", "delete /api/people/{name}/sessions"},
	}
	h, err := api.New(desktest.New().Desk(), api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/openapi.json", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var described struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &described); err != nil {
		t.Fatal(w.Code, err)
	}
	for _, p := range pages() {
		if p.method == "GET" {
			continue
		}
		operations, known := by[p.pattern]
		if !known {
			t.Errorf("%s %s: say here which operation of the API does the same", p.method, p.pattern)
		}
		for _, o := range operations {
			method, path, _ := strings.Cut(o, " ")
			if described.Paths[path][method] == nil {
				t.Errorf("%s %s: the API has no %s", p.method, p.pattern, o)
			}
		}
	}
}
