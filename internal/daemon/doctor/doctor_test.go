package doctor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/config"
	"vedette/internal/daemon/host"
	"vedette/internal/fault"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// well are the facts of a daemon that does well.
func well() *Facts {
	return &Facts{
		Version: "test", PID: 7, Started: now.Add(-time.Hour), Snapshot: now.Add(-time.Minute), Feeds: 1, Learning: 1, Entities: 1000, Budget: 1,
		Sources: []Source{{Name: "zeek"}}, Days: 10, Surfaced: 12, False: 9,
	}
}

func with(change func(*Facts)) Subject {
	f := well()
	change(f)
	return Subject{Facts: f, Now: now, Config: config.Config{Keep: config.Keep{Days: 90}}}
}

func TestFacts(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(Subject) []Line
		change func(*Facts)
		state  State
		says   string
	}{
		"runs":             {program, func(*Facts) {}, OK, "vedette test runs since 11:00"},
		"jumped":           {clock, func(f *Facts) { f.Jumped, f.JumpedAt = -time.Hour, now }, Watch, "jumped by -1h0m0s at 12:00:00"},
		"ahead":            {eventTimes, func(f *Facts) { f.Sources[0].Ahead = time.Hour }, Watch, "zeek is 1h0m0s ahead"},
		"behind":           {eventTimes, func(f *Facts) { f.Sources[0].Ahead = -time.Hour }, "", ""},
		"sources":          {sources, func(*Facts) {}, OK, "all 1 are"},
		"silent":           {sources, func(f *Facts) { f.Sources[0].Ill, f.Sources[0].Says = true, "It is silent." }, Act, "zeek: It is silent."},
		"rejects":          {sources, func(f *Facts) { f.Sources[0].Rate, f.Sources[0].Why = 0.2, "no JSON" }, Watch, "20.0 % of its records are rejected, mostly because: no JSON"},
		"rejects_few":      {sources, func(f *Facts) { f.Sources[0].Rate = 0.001 }, OK, "all 1"},
		"lost":             {sources, func(f *Facts) { f.Sources[0].Lost = 3 }, Watch, "3 records were lost"},
		"no_sources":       {sources, func(f *Facts) { f.Feeds, f.Sources = 0, nil }, Watch, "none is configured"},
		"nothing_yet":      {sources, func(f *Facts) { f.Sources = nil }, Watch, "nothing has come yet"},
		"log":              {log, func(*Facts) {}, OK, "whole"},
		"behind_log":       {log, func(f *Facts) { f.Lag = 201 }, Watch, "201 entries wait"},
		"log_lost":         {log, func(f *Facts) { f.LogLost = "the newest 3 entries are lost" }, Act, "the newest 3 entries"},
		"events":           {events, func(*Facts) {}, OK, "all can be read"},
		"damaged":          {events, func(f *Facts) { f.Damaged = []string{"x: its checksum is wrong"} }, Act, "1 files are damaged"},
		"learning":         {learning, func(f *Facts) { f.Learning = 0.25 }, OK, "25 % of the learning period"},
		"learned":          {learning, func(*Facts) {}, OK, "up to date, 1000 machines"},
		"cannot_save":      {learning, func(f *Facts) { f.Failing = "the disk is full" }, Act, "cannot be saved: the disk is full"},
		"saved_long_ago":   {learning, func(f *Facts) { f.Snapshot = now.Add(-time.Hour) }, Watch, "1h0m0s ago"},
		"budget_kept":      {budget, func(*Facts) {}, OK, "9 judged false"},
		"budget_by_chance": {budget, func(f *Facts) { f.False = 18 }, OK, "10.0 false ones are allowed"},
		"budget_not_kept":  {budget, func(f *Facts) { f.False = 40 }, Watch, "40 judged false"},
		"strangers":        {people, func(f *Facts) { f.Strangers = true }, Watch, "nobody can sign in"},
		"somebody":         {people, func(*Facts) {}, OK, "administrator"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.do(with(c.change))
			if c.state == "" {
				if len(got) > 0 {
					t.Errorf("%+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].State != c.state || !strings.Contains(got[0].Says, c.says) {
				t.Errorf("%+v, not %s: %s", got, c.state, c.says)
			}
			if c.state == Act && name != "silent" && got[0].Do == "" {
				t.Error("nothing is said to do")
			}
		})
	}
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	free, ok := host.Free(dir)
	if !ok || free < 4*needed {
		t.Skip("this needs a disk with some room that says how much")
	}
	for name, c := range map[string]struct {
		disk, stored int64
		days         int
		state        State
		says         string
	}{
		"room_for_all":      {free / 2, 1e9, 90, OK, "will be wanted"},
		"budget_too_large":  {free * 2, free / 10, 3650, Watch, "days more before"},
		"nearly_full":       {free * 20, free * 10, 3650, Act, "there is room for 1 days more"},
		"days_end_it":       {0, 1e9, 30, OK, "will be wanted"},
		"without_any_limit": {0, free / 10, 3650, Watch, "days more"},
	} {
		t.Run(name, func(t *testing.T) {
			s := with(func(f *Facts) { f.Stored, f.From, f.To = c.stored, now.Add(-10*24*time.Hour), now })
			s.Config = config.Config{Data: filepath.Join(dir, "data"), Keep: config.Keep{Days: c.days, Disk: c.disk}}
			got := disk(s)
			if len(got) != 1 || got[0].State != c.state || !strings.Contains(got[0].Says, c.says) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are not those of this system")
	}
	data := filepath.Join(t.TempDir(), "data")
	s := Subject{Config: config.Config{Data: data}}
	if got := folder(s); len(got) != 1 || got[0].State != OK {
		t.Errorf("before the first start: %+v", got)
	}
	key := filepath.Join(data, "state", "key")
	for _, err := range []error{os.MkdirAll(filepath.Dir(key), 0o700), os.WriteFile(key, []byte("x"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := folder(s); len(got) != 1 || got[0].State != OK {
		t.Errorf("as it should be: %+v", got)
	}
	for _, err := range []error{os.Chmod(key, 0o640), os.Chmod(data, 0o755), os.WriteFile(filepath.Join(data, "restoring"), nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var do []string
	for _, l := range folder(s) {
		if l.State != Act {
			t.Errorf("%+v", l)
		}
		do = append(do, l.Do)
	}
	if d := cmp.Diff([]string{"chmod 700 " + data, "chmod 600 " + key, "Empty the folder and restore again."}, do); d != "" {
		t.Error(d)
	}
	file := filepath.Join(data, "v.yaml")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, state := range map[os.FileMode]State{0o600: OK, 0o644: OK, 0o664: Act} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if got := configuration(Subject{File: file}); len(got) != 1 || got[0].State != state {
			t.Errorf("%v: %+v", mode, got)
		}
	}
}

func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	key := write("key.pem", "PRIVATE KEY", der)
	for name, c := range map[string]struct {
		from, to time.Duration
		host     string
		state    State
		says     string
	}{
		"good":          {-time.Hour, 90 * 24 * time.Hour, "v.example", OK, "good until"},
		"soon":          {-time.Hour, 10 * 24 * time.Hour, "v.example", Watch, "expires on"},
		"urgent":        {-time.Hour, 24 * time.Hour, "v.example", Act, "expires on"},
		"expired":       {-48 * time.Hour, -time.Hour, "v.example", Act, "expired on"},
		"not_yet":       {time.Hour, 90 * 24 * time.Hour, "v.example", Act, "holds only from"},
		"another_name":  {-time.Hour, 90 * 24 * time.Hour, "w.example", Watch, "w.example"},
		"no_such_files": {0, 0, "", Act, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Subject{Now: now, Config: config.Config{Console: config.Console{Cert: filepath.Join(dir, "nowhere"), Key: key}}}
			if c.host != "" {
				x := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(c.from), NotAfter: now.Add(c.to), DNSNames: []string{"v.example"}}
				der, err := x509.CreateCertificate(rand.Reader, x, x, private.Public(), private)
				if err != nil {
					t.Fatal(err)
				}
				s.Config.Console.Cert, s.Config.Console.Hosts = write(name, "CERTIFICATE", der), []string{c.host}
			}
			got := certificate(s)
			if len(got) != 1 || got[0].State != c.state || !strings.Contains(got[0].Says, c.says) {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := certificate(Subject{}); got != nil {
		t.Errorf("without TLS: %+v", got)
	}
}

// Without a daemon only what can be seen is said; the daemon says of itself only what it can.
func TestExamine(t *testing.T) {
	s := Subject{Config: config.Config{Data: filepath.Join(t.TempDir(), "x"), Console: config.Console{Listen: "127.0.0.1:1"}}, Now: now, Silent: fault.New(fault.NotFound, "no")}
	all := Examine(s)
	if names := named(all); !slices.Contains(names, "Program") || slices.Contains(names, "Log") || Worst(all) == Act {
		t.Errorf("%+v", all)
	}
	if s.Silent = fault.New(fault.Unavailable, "it hangs"); Worst(Examine(s)) != Act {
		t.Error("that it does not answer is not said")
	}
	s.Facts = well()
	if names := named(Within(s)); !slices.Contains(names, "Log") || slices.Contains(names, "Kernel") {
		t.Errorf("%v", names)
	}
}

func named(all []Line) (names []string) {
	for _, l := range all {
		names = append(names, l.Check)
	}
	return names
}

// What the daemon says arrives as it was said.
func TestFactsTravel(t *testing.T) {
	f := well()
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var got Facts
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(*f, got); d != "" {
		t.Error(d)
	}
}
