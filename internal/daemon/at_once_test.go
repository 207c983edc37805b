package daemon

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync"
	"testing"

	"vedette/internal/auth"
)

// TestAtOnce is about several who come to the door at the same moment, with the same.
func TestAtOnce(t *testing.T) {
	s := start(t, t.TempDir())
	s.faces.desk.Door.Cost = auth.Cost{Memory: 64, Passes: 1, Threads: 1} // it is not passwords that are tried here
	const password = "seven wet herons on a grey slate"
	post := func(client *http.Client, method, path, form, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Vedette-Form", form)
		a, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body) // what is missing shows below
		return a.StatusCode, string(b)
	}
	together := func(n int, do func(i int) int) map[int]int {
		var wg sync.WaitGroup
		var lock sync.Mutex
		seen := map[int]int{}
		for i := range n {
			wg.Go(func() {
				status := do(i)
				lock.Lock()
				defer lock.Unlock()
				seen[status]++
			})
		}
		wg.Wait()
		return seen
	}
	shown, err := s.faces.invite(t.Context(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"ada", "bert", "carl", "dora"}
	seen := together(len(names), func(i int) int {
		status, _ := post(http.DefaultClient, "POST", "/api/setup", "", fmt.Sprintf(`{"code":%q,"name":%q,"password":%q}`, shown, names[i], password))
		return status
	})
	users, err := s.daemon.state.Tenant(tenant).Users(t.Context())
	if err != nil || seen[200] != 1 || seen[403] != len(names)-1 || len(users) != 1 {
		t.Fatalf("one code: %v, %d people, %v", seen, len(users), err)
	}
	name := users[0].Name

	// The first sign-in turns codes on; then one code lets one in.
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	status, page := post(browser, "POST", "/api/session", "", fmt.Sprintf(`{"name":%q,"password":%q}`, name, password))
	_, form, _ := strings.Cut(page, `"form":"`)
	form, _, _ = strings.Cut(form, `"`)
	status2, page2 := post(browser, "POST", "/api/me/codes/secret", form, "")
	_, text, _ := strings.Cut(page2, `"secret":"`)
	text, _, _ = strings.Cut(text, `"`)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if status != 200 || status2 != 200 || err != nil {
		t.Fatalf("%d %s\n%d %s\n%v", status, page, status2, page2, err)
	}
	now := s.daemon.now()
	if status, page := post(browser, "PUT", "/api/me/codes", form, fmt.Sprintf(`{"password":%q,"secret":%q,"code":%q}`, password, text, oneTime(secret, now.Unix()/30-1))); status != 204 {
		t.Fatalf("%d %s", status, page)
	}
	code := oneTime(secret, now.Unix()/30)
	seen = together(4, func(int) int {
		status, _ := post(http.DefaultClient, "POST", "/api/session", "", fmt.Sprintf(`{"name":%q,"password":%q,"code":%q}`, name, password, code))
		return status
	})
	if seen[200] != 1 || seen[401] != 3 {
		t.Errorf("one one-time code: %v", seen)
	}

	// Of several who change the same password one does, and then nobody else is signed in.
	seen = together(3, func(i int) int {
		status, _ := post(browser, "PUT", "/api/me/password", form, fmt.Sprintf(`{"old":%q,"password":"eight dry herons on a green slate %d"}`, password, i))
		return status
	})
	all, err := s.daemon.state.Tenant(tenant).Sessions(t.Context(), name)
	if err != nil || seen[204] != 1 || len(all) != 1 {
		t.Errorf("one password: %v, %d sessions, %v", seen, len(all), err)
	}
	if status, page := post(browser, "PUT", "/api/settings/budget", form, `{"per_thousand":2}`); status != 204 && status != 200 {
		t.Errorf("the session that asked ended, too: %d %s", status, page)
	}
}

// oneTime is RFC 6238, written once more.
func oneTime(secret []byte, step int64) string {
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}
