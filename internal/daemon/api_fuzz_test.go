package daemon

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestAPI_fuzz asks the API of a real daemon what its own description allows, and what it
// does not, some hundred times a route; VEDETTE_API_FUZZ says how often instead. No answer is a fault of
// ours, each is described, and is as it is described; errors are problems of RFC 9457.
func TestAPI_fuzz(t *testing.T) {
	often := 300
	if n, err := strconv.Atoi(os.Getenv("VEDETTE_API_FUZZ")); err == nil {
		often = n
	}
	s := start(t, t.TempDir())
	s.feed(demo(t))
	s.setUp()
	f := newFuzzer(s)
	reached := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(f.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(f.Paths[path])) {
			n := often
			if method+" "+path == signOut {
				continue // last of all: nothing can be asked after it
			}
			if strings.HasPrefix(path, "/api/me/") || path == "/api/session" || path == "/api/setup" {
				n = min(often, 25) // each looks at a password, which takes long so that it cannot be guessed
			}
			r := rand.New(rand.NewPCG(uint64(len(reached)), 1))
			reached[method+" "+path] = 0
			for i := range n {
				status := f.ask(r, method, path, []float64{0, 0.1, 0.5}[i%3])
				if status < 300 {
					reached[method+" "+path]++
				}
				if t.Failed() {
					break // one mistake of an operation is told, not three hundred
				}
			}
		}
	}
	if len(reached) < 25 {
		t.Errorf("%d operations are described", len(reached))
	}
	for op, n := range reached {
		if n == 0 && !strings.Contains(op, "/api/me/") && op != "post /api/session" && op != "post /api/setup" && !strings.HasPrefix(op, "delete") && !strings.Contains(op, "records") {
			t.Errorf("%s never did what it is for, so nothing is proved about it", op)
		}
	}
	if status, _ := s.get("/api/me"); status != http.StatusOK {
		t.Errorf("afterwards the session is worth %d", status)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 30 {
		f.ask(r, "delete", "/api/session", []float64{0, 0.1, 0.5}[i%3])
	}
}

const signOut = "delete /api/session"

// fuzzer asks.
type fuzzer struct {
	*site
	openAPI
	handler http.Handler
	cookies []*http.Cookie
	form    string
	known   []string // names and ids that are there
}

func newFuzzer(s *site) *fuzzer {
	s.Helper()
	f := &fuzzer{site: s}
	read := func(path string, to any) {
		s.Helper()
		status, page := s.get(path)
		if err := json.Unmarshal([]byte(page), to); err != nil || status != http.StatusOK {
			s.Fatalf("%s: %d %v", path, status, err)
		}
	}
	read("/api/openapi.json", &f.openAPI)
	var me struct{ Form string }
	read("/api/me", &me)
	f.form = me.Form
	at, err := url.Parse(s.server.URL)
	if err != nil {
		s.Fatal(err)
	}
	f.cookies = s.client.Jar.Cookies(at)
	f.known = []string{"ada", "ada", "ada", "ada", "viewer", "analyst", "incidents.read", "export", "ws-113", "malicious", `"1"`, "nina", password}
	for _, list := range []string{"/api/incidents", "/api/incidents?pile=hidden", "/api/entities?limit=3"} {
		var p struct{ Items []struct{ ID, Key string } }
		read(list, &p)
		for _, i := range p.Items {
			f.known = append(f.known, i.ID+i.Key)
		}
	}
	if f.handler, err = s.faces.Handler(); err != nil {
		s.Fatal(err)
	}
	return f
}

// ask makes one request, and looks at the answer.
func (f *fuzzer) ask(r *rand.Rand, method, path string, wild float64) int {
	f.Helper()
	op := f.Paths[path][method]
	at, query, header := path, url.Values{}, http.Header{}
	for _, p := range op.Parameters {
		if !p.Required && r.IntN(4) > 0 {
			continue
		}
		v := f.draw(r, p.Schema, f.known, wild)
		text := fmt.Sprint(v)
		if n, ok := v.(float64); ok {
			text = strconv.FormatFloat(n, 'f', -1, 64)
		}
		switch p.In {
		case "path":
			if text == "" {
				text = "-"
			}
			at = strings.ReplaceAll(at, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			query.Set(p.Name, text)
		case "header":
			header.Set(p.Name, strings.Map(func(c rune) rune {
				if c < ' ' || c > '~' {
					return '?' // no client can send it
				}
				return c
			}, text))
		}
	}
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	body := ""
	if op.RequestBody != nil {
		body = f.body(r, op, header, wild)
	}
	q := httptest.NewRequestWithContext(f.site.Context(), strings.ToUpper(method), "http://127.0.0.1/x", strings.NewReader(body))
	u, err := url.Parse("http://127.0.0.1" + at)
	if err != nil {
		return http.StatusBadRequest // no client can ask for it
	}
	q.URL, q.RequestURI = u, at
	q.Header = header
	q.Header.Set("X-Vedette-Form", f.form)
	for _, c := range f.cookies {
		q.AddCookie(c)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, q)
	if wrong := f.judge(op, w); wrong != "" {
		f.Errorf("%s %.300s %v\n%.600s\nis answered by %d, %s\n%.900s\nwhich is wrong: %s", method, at, header, body, w.Code, w.Header().Get("Content-Type"), w.Body, wrong)
	}
	return w.Code
}

// body returns what is sent with a request, and says what it is.
func (f *fuzzer) body(r *rand.Rand, op *apiOperation, header http.Header, wild float64) string {
	header.Set("Content-Type", "application/json")
	b, err := json.Marshal(f.draw(r, op.RequestBody.Content["application/json"].Schema, f.known, wild))
	if err != nil {
		f.Fatal(err)
	}
	body := string(b)
	if r.Float64() >= wild {
		return body
	}
	switch r.IntN(6) {
	case 0:
		return body[:len(body)/2]
	case 1:
		return strings.Repeat("[", 20000)
	case 2:
		header.Set("Content-Type", []string{"", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16"}[r.IntN(5)])
	case 3:
		return body + body
	case 4:
		return strings.Replace(body, `"`, "\"\xff\xfe", 1)
	}
	return body
}

// judge returns what is wrong with an answer.
func (f *fuzzer) judge(op *apiOperation, w *httptest.ResponseRecorder) string {
	if w.Code >= 500 {
		return "it is a fault of ours"
	}
	kind := w.Header().Get("Content-Type")
	if w.Code == http.StatusUnsupportedMediaType && strings.HasPrefix(kind, "text/plain") {
		return "" // the guard turns forms with parts away before anybody knows what was asked
	}
	told, ok := op.Responses[strconv.Itoa(w.Code)]
	if !ok {
		return "its status is not described"
	}
	if len(told.Content) == 0 {
		if w.Body.Len() > 0 {
			return "it has a body that is not described"
		}
		return ""
	}
	content, ok := told.Content[strings.TrimSuffix(kind, "; charset=utf-8")]
	if !ok {
		return "its type is not described"
	}
	if content.Schema == nil || kind != "application/json" && kind != "application/problem+json" {
		return ""
	}
	var v any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		return err.Error()
	}
	wrong := f.wrong("", content.Schema, v)
	if w.Code >= 400 {
		p, ok := v.(map[string]any)
		if !ok || kind != "application/problem+json" || p["status"] != float64(w.Code) || p["title"] == "" || p["detail"] == "" {
			wrong = append(wrong, "it is no problem of RFC 9457")
		}
	}
	return strings.Join(wrong, "; ")
}
