// Package detecttest shows detectors what they must find, and what looks like it and must
// not be found.
//
// A [Scene] tells what happens in a small estate on one day, after a week in which its
// machines went about their work. Each detector's test calls [Run] with its scenes.
package detecttest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/input"
	"vedette/internal/text"
)

// Engine is what detectors run in. The test brings it, because engines stand above
// detectors.
type Engine interface {
	Apply(input.Entry) ([]finding.Finding, []finding.Risk)
	Source(number uint32) string
}

// Scene is what happens on one day. Where nothing is to be found, no machine's risk may
// reach the level at which it is shown to people; less than that is said in the log.
type Scene struct {
	Name  string // in snake_case
	Finds string // the signal to be found; empty if all must stay silent
	Quiet bool   // nothing to be found, and not even a finding that is not shown
	Who   string // of whom it must be found; empty is Ann
	Tell  func(*Story)
}

// The people of the story.
const (
	Ann = "10.0.1.1" // it is about her machine, as a rule
	Ben = "10.0.1.2"
)

// Past is how many days of work come before the one that is told about.
const Past = 7

// Colleagues is how many machines do the same work as Ann's, hers included.
const Colleagues = 12

// Colleague returns the address of a machine, Ann's for 0.
func Colleague(i int) string { return fmt.Sprintf("10.0.1.%d", 1+i) }

// Server returns the address of one of the three servers that all use.
func Server(i int) string { return fmt.Sprintf("10.0.0.%d", 1+i) }

// Popular returns the address of one of the six places outside that all use.
func Popular(i int) string { return fmt.Sprintf("93.184.216.%d", 1+i) }

// Run tells each scene to a fresh engine with the one detector, and checks what it finds.
// There must be at least as many scenes that stay silent as others.
func Run(t *testing.T, k detect.Kind, engine func(detect.Kind) Engine, scenes []Scene) {
	finds := 0
	for _, s := range scenes {
		if s.Finds != "" {
			finds++
			if !slices.ContainsFunc(k.Signals, func(g detect.Signal) bool { return g.Name == s.Finds }) {
				t.Errorf("%s: the detector has no signal %q", s.Name, s.Finds)
			}
		}
		t.Run(s.Name, func(t *testing.T) { s.run(t, k, engine(k)) })
	}
	if silent := len(scenes) - finds; silent < finds {
		t.Errorf("%d scenes that stay silent, and %d that do not: a look-alike for each is the least", silent, finds)
	}
	for _, g := range k.Signals {
		if !slices.ContainsFunc(scenes, func(s Scene) bool { return s.Finds == g.Name }) {
			t.Errorf("no scene finds %q", g.Name)
		}
	}
}

func (s Scene) run(t *testing.T, k detect.Kind, e Engine) {
	story := &Story{}
	story.work()
	s.Tell(story)
	who := key(cmp.Or(s.Who, Ann))
	found := false
	var all []finding.Finding
	findings, shown := story.play(t, e)
	for _, f := range findings {
		if f.Detector != k.Name || f.Facet != k.Facet {
			t.Errorf("a finding of %s, facet %s", f.Detector, f.Facet)
		}
		if f.Time <= today {
			continue // of the past
		}
		all = append(all, f)
		found = found || f.Entity == who && f.Signal == s.Finds
	}
	switch {
	case s.Finds == "" && (shown > 0 || s.Quiet && len(all) > 0):
		t.Errorf("it should be silent, but there are %d findings and risk is shown %d times:", len(all), shown)
	case s.Finds != "" && !found:
		t.Errorf("%q of %s not found, but:", s.Finds, cmp.Or(s.Who, Ann))
	case testing.Verbose():
	default:
		return
	}
	for _, f := range all {
		t.Logf("%s: %s: %.4g, expected %.3g (usual %.3g): native %.1f, raw %.1f, damping %.2f, habit %.1f, nats %.1f; %v",
			time.Unix(0, f.Time).UTC().Format("Mon 15:04"), f.Signal, f.Observed, f.Expected, f.Usual, f.Native, f.Raw, f.Damping, f.Habit, f.Nats, f.Labels)
	}
}

// Story is what happens. Times are from midnight of the day it is about; those of the
// days before are negative.
type Story struct {
	told   []told
	chance uint64
}

type told struct {
	at    int64
	write func(*event.Emit, int64) *event.Envelope
	from  string
	to    string
	port  uint16
}

const (
	day   = 24 * time.Hour
	begin = int64(1767571200e9) // Monday, 2026-01-05
	today = begin + Past*int64(day)
)

// Each calls do with midnight of each day before, and of the day itself.
func (s *Story) Each(do func(midnight time.Duration)) {
	for d := range Past + 1 {
		do(time.Duration(d-Past) * day)
	}
}

// Random returns a number from 0 to 1, the same each time the story is told.
func (s *Story) Random() float64 {
	s.chance = text.Mix(s.chance, 0x5eed)
	return float64(s.chance>>11) / (1 << 53)
}

// Flow is a conversation. What is left out: TCP, port 443, established, a second long.
type Flow struct {
	Port     uint16
	Protocol string
	Outcome  event.Outcome
	Out, In  uint64
	Lasts    time.Duration
	Open     bool
}

// Flow tells of a conversation that began at some time.
func (s *Story) Flow(at time.Duration, from, to string, f Flow) {
	lasts := cmp.Or(f.Lasts, time.Second)
	s.add(at+lasts, from, to, cmp.Or(f.Port, 443), func(e *event.Emit, at int64) *event.Envelope {
		h, x := e.Flow(at)
		e.SetProtocol(x, []byte(cmp.Or(f.Protocol, "tcp")))
		x.Outcome = cmp.Or(f.Outcome, event.Established)
		x.BytesOut, x.BytesIn, x.Duration = f.Out, f.In, int64(lasts)
		if f.Open {
			x.Open = 1
		}
		return h
	})
}

// TLS tells of a handshake.
func (s *Story) TLS(at time.Duration, from, to, name string) {
	s.add(at, from, to, 443, func(e *event.Emit, at int64) *event.Envelope {
		h, x := e.TLS(at)
		x.ServerName, x.Established = e.Text([]byte(name)), 1
		return h
	})
}

// Logon tells of an attempt to sign in.
func (s *Story) Logon(at time.Duration, from, to, user string, result event.Result) {
	s.add(at, from, to, 88, func(e *event.Emit, at int64) *event.Envelope {
		h, x := e.Logon(at)
		x.Protocol, x.User, x.Result = e.Text([]byte("kerberos")), e.Text([]byte(user)), result
		return h
	})
}

// Alert tells of another tool's alert.
func (s *Story) Alert(at time.Duration, from, to, signature string, severity event.Severity) {
	s.add(at, from, to, 443, func(e *event.Emit, at int64) *event.Envelope {
		h, x := e.Alert(at)
		x.Product, x.Signature, x.ID, x.Severity = e.Text([]byte("suricata")), e.Text([]byte(signature)), e.Text([]byte(signature)), severity
		return h
	})
}

func (s *Story) add(at time.Duration, from, to string, port uint16, write func(*event.Emit, int64) *event.Envelope) {
	s.told = append(s.told, told{today + int64(at), write, from, to, port})
}

// work is what the machines do in the week and on the day: from eight to five they use
// servers and places outside, at no regular times and now and then new ones, and people
// sign in.
func (s *Story) work() {
	s.Each(func(midnight time.Duration) {
		for i := range Colleagues {
			me := Colleague(i)
			at := midnight + 8*time.Hour + time.Duration(s.Random()*float64(time.Hour/2))
			s.Logon(at, me, Server(0), fmt.Sprintf("user%d", i), event.Success)
			for ; at < midnight+17*time.Hour; at += time.Duration((0.1 + 1.8*s.Random()) * float64(6*time.Minute)) {
				bytes := uint64(2000 + s.Random()*s.Random()*40000)
				f := Flow{Out: bytes, In: bytes * 5, Lasts: time.Duration(1+s.Random()*60) * time.Second}
				switch x := int(s.Random() * 9); {
				case s.Random() < 0.02: // curiosity
					s.Flow(at, me, fmt.Sprintf("93.184.%d.%d", 217+int(3*s.Random()), 1+int(250*s.Random())), f)
				case x < 3:
					f.Port = [...]uint16{389, 445, 80}[x]
					s.Flow(at, me, Server(x), f)
				default:
					s.Flow(at, me, Popular(x-3), f)
				}
			}
		}
	})
}

// play applies the story to an engine and returns all that it finds, and how often on the
// day a risk was high enough to be shown. Every reference of a finding must lead to a
// record of the story in which the entity took part.
func (s *Story) play(t *testing.T, e Engine) (found []finding.Finding, shown int) {
	slices.SortStableFunc(s.told, func(a, b told) int { return cmp.Compare(a.at, b.at) })
	const window = int64(5 * time.Minute)
	entry := input.Entry{}
	apply := func(tick int64, b *event.Batch) {
		entry.At++
		entry.Tick, entry.Batch = tick, b
		findings, risks := e.Apply(entry)
		found = append(found, findings...)
		for _, r := range risks {
			if r.Time > today && r.Total >= r.Threshold {
				shown++
			}
		}
	}
	n := 0
	for now := begin; now < today+int64(25*time.Hour); now += window {
		if now%int64(time.Hour) > 0 && (n == len(s.told) || s.told[n].at >= now+window) && s.told[max(0, n-1)].at < now-window {
			continue // nothing to score, and nothing to come
		}
		apply(now, nil)
		b := new(event.Batch)
		m := event.NewEmit(nil)
		m.Source(b, "tenant", "site", "story")
		for ; n < len(s.told) && s.told[n].at < now+window; n++ {
			x := s.told[n]
			m.Begin(uint64(n+1), event.Handshake, nil)
			h := x.write(m, x.at)
			h.Subject, h.Object = party(m, x.from), party(m, x.to)
			h.Object.Port = x.port
		}
		if len(b.Events) > 0 {
			apply(0, b)
		}
	}
	for _, f := range found {
		if len(f.Evidence) == 0 {
			t.Errorf("%s: no evidence", f.Signal)
		}
		for _, r := range f.Evidence {
			if e.Source(r.Source) != "story" || r.Position < 1 || r.Position > uint64(n) || r.Index != 0 {
				t.Errorf("%s cites %+v, which is no record", f.Signal, r)
			} else if x := s.told[r.Position-1]; f.Entity != key(x.from) && f.Entity != key(x.to) {
				t.Errorf("%s cites record %d, which is about others", f.Signal, r.Position)
			}
		}
	}
	return found, shown
}

// party is who an address stands for, as if resolved.
func party(m *event.Emit, ip string) entity.Ref {
	r := m.Entity(entity.Device, entity.IP, []byte(ip))
	if r.Kind = entity.External; strings.HasPrefix(ip, "10.") {
		r.Kind, r.Own = entity.Device, 1
	}
	return r
}

func key(ip string) entity.Key {
	return event.KeyOf(text.Hash(0, []byte("tenant")), entity.IP, []byte(ip))
}
