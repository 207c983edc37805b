// Package desktest is a desk in memory, for the tests of the faces: it keeps what it is
// given, forgets it with the process, and can be filled with a made-up hospital.
package desktest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/api/desk"
	"vedette/internal/audit"
	"vedette/internal/auth"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/finding"
	"vedette/internal/incident"
)

// Tenant is the one tenant there is.
const Tenant = "clinic"

// Password is that of everybody.
const Password = "nine herons over the wet roof"

// Memory is a desk in memory.
type Memory struct {
	mu       sync.Mutex
	Clock    time.Time
	cases    map[uint64]*desk.Case
	order    []uint64
	entities map[entity.Key]desk.Entity
	sources  []desk.Source
	people   map[string]*person
	sessions map[auth.Hash]desk.Seat
	tokens   map[auth.Hash]desk.TokenRow
	codes    map[auth.Hash]auth.Code
	attempts map[string]auth.Attempts
	known    map[string]bool
	once     map[string]bool // keys of requests that were done
	budget   desk.Budget
	promise  desk.Promise
	done     desk.Done
	watchers []chan desk.Change
	Parts    []desk.Part
	Trail    []audit.Entry // of the audit, the first first
	Fail     error         // what every read returns, if anything
}

type person struct {
	desk.Person
	phc  string
	totp []byte
	step int64
}

// weak makes tests quick. No real installation may use it.
var weak = auth.Cost{Memory: 64, Passes: 1, Threads: 1}

// New returns an empty desk whose clock stands at a moment.
func New() *Memory {
	return &Memory{
		Clock: time.Date(2026, 3, 24, 14, 20, 0, 0, time.UTC), cases: map[uint64]*desk.Case{}, entities: map[entity.Key]desk.Entity{},
		people: map[string]*person{}, sessions: map[auth.Hash]desk.Seat{}, tokens: map[auth.Hash]desk.TokenRow{}, codes: map[auth.Hash]auth.Code{},
		attempts: map[string]auth.Attempts{}, known: map[string]bool{}, once: map[string]bool{}, budget: desk.Budget{PerThousand: 1, Version: 1}, promise: desk.Promise{Budget: 1},
		Parts: []desk.Part{{Name: "Store", Fine: true, Says: "41 GB free"}, {Name: "Log", Fine: true, Says: "all written"}},
	}
}

// Now returns what the clock says.
func (m *Memory) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Clock
}

// Pass moves the clock.
func (m *Memory) Pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Clock = m.Clock.Add(d)
}

// random is not fit for secrets outside of tests.
type random struct{}

// Read implements io.Reader.
func (random) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return len(b), nil
}

// Desk returns what a face is given.
func (m *Memory) Desk() *desk.Desk {
	return &desk.Desk{
		Door: &desk.Door{
			Tenant: Tenant, Key: []byte("0123456789abcdef0123456789abcdef"), Now: m.Now, Random: random{}, Cost: weak,
			Credentials: m, Sessions: m, Tokens: m, Codes: m, Attempts: m,
		},
		Incidents: m, Cases: m, Entities: m, Sources: m, Records: m, People: m, Overview: m, Settings: m, Changes: m, Audit: m,
		Site: "St. Anna, Vienna", Version: "0.2.0", Now: m.Now,
	}
}

// AddPerson makes an account with [Password].
func (m *Memory) AddPerson(name string, r auth.Role) {
	phc, err := auth.HashPassword(Password, weak, random{})
	if err != nil {
		panic(err)
	}
	m.people[name] = &person{Person: desk.Person{Account: auth.Account{Tenant: Tenant, Name: name, Role: r}, Version: 1, Created: m.Clock.Add(-90 * 24 * time.Hour)}, phc: phc}
}

// AddSession makes a session of a person and returns its secret.
func (m *Memory) AddSession(name string) string {
	shown, s, err := auth.NewSession(random{}, name, false, m.Clock)
	if err != nil {
		panic(err)
	}
	m.sessions[s.Hash] = desk.Seat{Session: s, Visitor: desk.Visitor{Address: netip.MustParseAddr("10.0.0.8"), Agent: "Mozilla/5.0 (X11; Linux x86_64)"}}
	return shown
}

// AddCodeFor makes a one-time code and returns it.
func (m *Memory) AddCodeFor(name string, r auth.Role) string {
	shown, c, err := auth.NewCode(random{}, name, r, m.Clock)
	if err != nil {
		panic(err)
	}
	m.codes[c.Hash] = c
	return shown
}

// AddCase keeps an incident.
func (m *Memory) AddCase(c desk.Case) {
	c.Version = max(1, c.Version)
	if c.Names == nil {
		c.Names = Book{}
	}
	m.cases[c.Row.ID] = &c
	m.order = append(m.order, c.Row.ID)
}

// AddEntity keeps an entity.
func (m *Memory) AddEntity(e desk.Entity) { m.entities[e.Key] = e }

// AddSource keeps a source.
func (m *Memory) AddSource(s desk.Source) { m.sources = append(m.sources, s) }

// SetOverview sets what Home shows.
func (m *Memory) SetOverview(p desk.Promise, d desk.Done) { m.promise, m.done = p, d }

// Log puts an entry at the end of the audit.
func (m *Memory) Log(actor, action, target, detail string) {
	h := audit.Start(Tenant)
	if n := len(m.Trail); n > 0 {
		h = audit.Head{Seq: m.Trail[n-1].Seq, Hash: m.Trail[n-1].Hash}
	}
	e := audit.Entry{Time: m.Clock.Add(time.Duration(h.Seq) * time.Second).UnixNano(), Actor: actor, Action: action, Target: target, Detail: detail}
	h.Next(&e)
	m.Trail = append(m.Trail, e)
}

// Case returns an incident as it is now.
func (m *Memory) Case(id uint64) desk.Case {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *m.cases[id]
}

// Live counts the sessions of a person.
func (m *Memory) Live(person string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.Person == person {
			n++
		}
	}
	return n
}

// Book is what entities are called.
type Book map[entity.Key]struct {
	Called string
	Is     entity.Kind
	At     []string
}

// Name implements narrate.Names.
func (b Book) Name(k entity.Key) string { return b[k].Called }

// Kind implements narrate.Names.
func (b Book) Kind(k entity.Key) entity.Kind { return b[k].Is }

// Addresses implements narrate.Names.
func (b Book) Addresses(k entity.Key) []string { return b[k].At }

func (m *Memory) lock(tenant string) (unlock func(), err error) {
	if tenant != Tenant {
		return nil, fault.New(fault.NotFound, "there is no such tenant")
	}
	m.mu.Lock()
	return m.mu.Unlock, m.Fail
}

func (f pile) has(c *desk.Case) bool {
	switch {
	case f.Pile == desk.Closed && !c.Closed, f.Pile != desk.Closed && c.Closed:
		return false
	case f.Pile == desk.Surfaced && !c.Surfaced, f.Pile == desk.Hidden && c.Surfaced:
		return false
	case f.Assignee != "" && c.Assignee != f.Assignee:
		return false
	}
	return f.Text == "" || strings.Contains(strings.ToLower(c.Title+strings.Join(c.Who, " ")), strings.ToLower(f.Text))
}

type pile desk.Filter

// List implements desk.Incidents.
func (m *Memory) List(_ context.Context, tenant string, f desk.Filter, cursor string, n int) (rows []desk.Row, next string, err error) {
	unlock, err := m.lock(tenant)
	if unlock != nil {
		defer unlock()
	}
	if err != nil {
		return nil, "", err
	}
	order, err := m.sorted(f.Order)
	if err != nil {
		return nil, "", err
	}
	from := 0
	if cursor != "" {
		if from, err = strconv.Atoi(cursor); err != nil {
			return nil, "", fault.New(fault.Invalid, "the cursor is not one of ours")
		}
	}
	for i, id := range order[min(from, len(order)):] {
		c := m.cases[id]
		if !pile(f).has(c) {
			continue
		}
		if len(rows) == n {
			return rows, strconv.Itoa(from + i), nil
		}
		rows = append(rows, c.Row)
	}
	return rows, "", nil
}

// sorted returns the ids of all incidents in an order.
func (m *Memory) sorted(o desk.Order) ([]uint64, error) {
	by, ok := map[string]func(a, b *desk.Case) int{
		"":         func(_, _ *desk.Case) int { return 0 },
		"changed":  func(a, b *desk.Case) int { return a.Updated.Compare(b.Updated) },
		"sure":     func(a, b *desk.Case) int { return cmp.Compare(a.Confidence, b.Confidence) },
		"findings": func(a, b *desk.Case) int { return cmp.Compare(a.Row.Findings, b.Row.Findings) },
		"assignee": func(a, b *desk.Case) int { return cmp.Compare(a.Assignee, b.Assignee) },
	}[o.By]
	if !ok {
		return nil, fault.New(fault.Invalid, "incidents cannot be sorted by that")
	}
	order := slices.Clone(m.order)
	slices.SortStableFunc(order, func(a, b uint64) int {
		if o.Up {
			return by(m.cases[a], m.cases[b])
		}
		return by(m.cases[b], m.cases[a])
	})
	return order, nil
}

// Get implements desk.Incidents.
func (m *Memory) Get(_ context.Context, tenant string, id uint64) (desk.Case, error) {
	unlock, err := m.lock(tenant)
	if unlock != nil {
		defer unlock()
	}
	if err != nil {
		return desk.Case{}, err
	}
	c := m.cases[id]
	if c == nil {
		return desk.Case{}, fault.New(fault.NotFound, "there is no such incident")
	}
	return *c, nil
}

// Counts implements desk.Incidents.
func (m *Memory) Counts(_ context.Context, _, name string) (n desk.Counts, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.cases {
		switch {
		case c.Closed:
			n.Closed++
		case c.Surfaced:
			n.Surfaced++
			if c.Assignee == name {
				n.Mine++
			}
		default:
			n.Hidden++
		}
	}
	return n, m.Fail
}

// change changes an incident.
func (m *Memory) change(by desk.By, id uint64, what string, do func(*desk.Case)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.cases[id]
	switch {
	case c == nil:
		return fault.New(fault.NotFound, "there is no such incident")
	case by.Key != "" && m.once[by.Key]:
		return nil
	case by.Version != 0 && by.Version != c.Version:
		return fault.Wrap(fault.Conflict, fmt.Errorf("the incident has changed meanwhile: it is at version %d, and you saw %d", c.Version, by.Version))
	}
	m.once[by.Key] = by.Key != ""
	do(c)
	c.Version++
	c.Updated = m.Clock
	c.History = append(c.History, desk.Event{Time: m.Clock, Actor: by.Name(), What: what})
	for _, w := range m.watchers {
		select {
		case w <- desk.Change{What: "incident", ID: id}:
		default:
		}
	}
	return nil
}

// Judge implements desk.Cases.
func (m *Memory) Judge(_ context.Context, by desk.By, id uint64, v incident.Verdict, reason string) error {
	return m.change(by, id, "judged it "+string(v), func(c *desk.Case) { c.Verdict, c.By, c.At, c.Reason = v, by.Name(), m.Clock, reason })
}

// Note implements desk.Cases.
func (m *Memory) Note(_ context.Context, by desk.By, id uint64, text string) error {
	return m.change(by, id, "wrote a note", func(c *desk.Case) { c.Notes = append(c.Notes, desk.Note{Author: by.Name(), Time: m.Clock, Text: text}) })
}

// Assign implements desk.Cases.
func (m *Memory) Assign(_ context.Context, by desk.By, id uint64, name string) error {
	if name != "" && m.people[name] == nil {
		return fault.New(fault.Invalid, "there is nobody of that name")
	}
	return m.change(by, id, "assigned it to "+name, func(c *desk.Case) { c.Assignee = name })
}

// Close implements desk.Cases.
func (m *Memory) Close(_ context.Context, by desk.By, id uint64) error {
	return m.change(by, id, "closed it", func(c *desk.Case) { c.Closed = true })
}

// Reopen implements desk.Cases.
func (m *Memory) Reopen(_ context.Context, by desk.By, id uint64) error {
	return m.change(by, id, "opened it again", func(c *desk.Case) { c.Closed = false })
}

// Entity implements desk.Entities.
func (m *Memory) Entity(_ context.Context, _ string, k entity.Key) (desk.Entity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entities[k]
	if !ok {
		return e, fault.New(fault.NotFound, "nobody by that id has been seen")
	}
	return e, m.Fail
}

// Find implements desk.Entities.
func (m *Memory) Find(_ context.Context, _, text string, o desk.Order, _ string, n int) (rows []desk.EntityRow, next string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entities {
		r := desk.EntityRow{Key: e.Key, Kind: e.Kind, Name: e.Name, Own: e.Own, Learned: e.Learned, Last: e.Last, Incidents: len(e.Incidents)}
		if len(e.Identifiers) > 0 {
			r.Address = e.Identifiers[0].Value
		}
		if strings.Contains(strings.ToLower(r.Name+" "+r.Address), strings.ToLower(text)) {
			rows = append(rows, r)
		}
	}
	by, ok := map[string]func(a, b desk.EntityRow) int{
		"": lastSeen, "seen": lastSeen,
		"name":    func(a, b desk.EntityRow) int { return cmp.Compare(a.Name, b.Name) },
		"kind":    func(a, b desk.EntityRow) int { return cmp.Compare(a.Kind, b.Kind) },
		"learned": func(a, b desk.EntityRow) int { return cmp.Compare(a.Learned, b.Learned) },
	}[o.By]
	if !ok {
		return nil, "", fault.New(fault.Invalid, "entities cannot be sorted by that")
	}
	slices.SortFunc(rows, func(a, b desk.EntityRow) int {
		c := by(a, b)
		if !o.Up {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Key, b.Key))
	})
	if len(rows) > n {
		return rows[:n], "more", m.Fail
	}
	return rows, "", m.Fail
}

func lastSeen(a, b desk.EntityRow) int { return a.Last.Compare(b.Last) }

// Sources implements desk.Sources.
func (m *Memory) Sources(context.Context, string) ([]desk.Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sources, m.Fail
}

// Record implements desk.Records.
func (m *Memory) Record(_ context.Context, _ string, r finding.Ref) (desk.Record, error) {
	where := []string{"radiology/conn.log", "radiology/ssl.log", "edge/eve.json"}[r.Source%3] + "#" + strconv.FormatUint(r.Position, 10)
	if r.Position == 77 {
		return desk.Record{Where: where}, fault.New(fault.NotFound, "the record is kept no longer: telemetry is kept for 30 days")
	}
	return desk.Record{Where: where, Fields: []desk.Field{
		{Name: "time", Value: "2026-03-24T11:04:05.123456Z"},
		{Name: "type", Value: "flow"},
		{Name: "dataset", Value: "zeek/conn"},
		{Name: "src", Value: "10.0.0.14"},
		{Name: "src_port", Value: "49712"},
		{Name: "dst", Value: "10.0.4.2"},
		{Name: "dst_port", Value: "445"},
		{Name: "protocol_name", Value: "tcp"},
		{Name: "bytes_out", Value: "182044"},
		{Name: "path", Value: "blinded, 41 bytes, #00af31b2c4d5e6f7"},
	}}, m.Fail
}
