// Package resolve works out which entity an identifier meant at the time of an event.
//
// Addresses are lent: a lease gives one to a machine for a while, and then to another.
// Names on the other hand stay while addresses behind them change. So each event's
// parties are replaced by entities: a machine of ours by its MAC once a lease has shown
// it, and by its address before; a place outside by its registered domain if the
// connection or the client's own look-ups named one, and by its address otherwise.
//
// A [Resolver] sees events in order, once, and reads no clock: replay resolves alike. It
// also keeps the [Directory] of who went by what, from when to when.
package resolve

import (
	"net/netip"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// Resolver replaces identifiers by entities. It is used by one goroutine.
type Resolver struct {
	Directory Directory
	own       estate
	addresses table[binding] // identifier -> who has it
	links     names          // connection -> domain
	lookups   names          // (client, address) -> domain it asked for
	domains   domains

	// Of the batch at hand.
	batch   *event.Batch
	tenants []uint64 // of its origins
}

// binding says who goes by an identifier at present.
type binding struct {
	Entity entity.Key
	MAC    entity.Key // of the machine that holds an address, once a lease has shown it
	Since  int64
	Addr   [16]byte
	Noted  int64 // when the directory last took note of it; a minute is fine enough
	Public uint8 // 1 if the address can be on the Internet
	Four   uint8 // 1 if it is IPv4
	Spare  [6]uint8
}

// New returns a resolver for an organisation that declares these networks its own, beside
// those that are private by RFC 1918, 4193 and 6598.
func New(own []netip.Prefix) *Resolver {
	return &Resolver{own: estate{declared: own}}
}

// Declare has these networks be the organisation's own from now on, beside private ones, in
// place of those that were declared before. They are no part of the saved state.
func (r *Resolver) Declare(own []netip.Prefix) { r.own.declared = own }

// Resolve replaces the identifiers of all events of a batch, in order.
func (r *Resolver) Resolve(b *event.Batch) {
	r.bound()
	r.batch = b
	r.tenants = r.tenants[:0]
	for _, o := range b.Origins {
		r.tenants = append(r.tenants, text.Hash(0, b.Text.Bytes(o.Tenant)))
	}
	for i := range b.Events {
		h := &b.Events[i]
		v := event.View{Batch: b, I: i}
		tenant := r.tenants[v.Record().Origin]
		if h.Type == event.LeaseType {
			r.lease(v, tenant)
		}
		s := r.party(&h.Subject, tenant, h.Time)
		o := r.party(&h.Object, tenant, h.Time)
		if s != nil && o != nil && s.Public == 1 && o.Public == 1 {
			r.own.flow(s, o, h)
		}
		r.belong(&h.Subject, s)
		r.belong(&h.Object, o)
		r.name(v, tenant)
		r.note(b, &h.Subject, s, h.Time)
		r.note(b, &h.Object, o, h.Time)
	}
}

// note has the directory take note of a party, of those that come all the time once a
// minute.
func (r *Resolver) note(b *event.Batch, ref *entity.Ref, from *binding, at int64) {
	if from != nil && from.Entity == ref.Key {
		if from.Noted != 0 && at-from.Noted < 60e9 {
			return
		}
		from.Noted = at
	}
	r.Directory.note(b, ref, at)
}

// party finds who an identifier meant, and returns the binding of an address. The next
// call may move it: what is then written to the old place is lost, which does no harm.
func (r *Resolver) party(ref *entity.Ref, tenant uint64, at int64) *binding {
	if ref.Key == 0 || ref.Type != entity.IP {
		return nil
	}
	b := r.addresses.at(uint64(ref.Key))
	if b.Entity == 0 {
		r.born(b, ref)
	}
	ref.Key = b.Entity
	return b
}

// born sets up the binding of an address that is seen for the first time.
func (r *Resolver) born(b *binding, ref *entity.Ref) {
	b.Entity = ref.Key
	ip, err := netip.ParseAddr(string(r.batch.Text.Bytes(ref.Name)))
	if err != nil {
		return
	}
	ip = ip.Unmap()
	b.Addr = ip.As16()
	if ip.Is4() {
		b.Four = 1
	}
	if public(ip) {
		b.Public = 1
	}
}

// belong says whether a party is of the organisation.
func (r *Resolver) belong(ref *entity.Ref, b *binding) {
	switch {
	case ref.Key == 0:
	case ref.Local == entity.Yes && (b == nil || !group(b)):
		ref.Own = 1
	case b != nil:
		if !group(b) && (b.Public == 0 || r.own.has(b)) {
			ref.Own = 1
		}
	case ref.Type == entity.MAC || ref.Type == entity.User || ref.Type == entity.Hostname || ref.Type == entity.Unit:
		ref.Own = 1
	}
	if ref.Own == 0 && ref.Kind == entity.Device {
		ref.Kind = entity.External
	}
}

// lease takes note of who gets an address. A machine that was known by the address alone
// keeps what was learned of it: it is the same machine, and now has a MAC. A lease holds
// until another machine shows up at the address: renewals are often not logged, and a
// machine that forks whenever one is missed would be new time and again.
func (r *Resolver) lease(v event.View, tenant uint64) {
	l := v.Lease()
	address, mac := v.Bytes(l.Address), v.Bytes(l.MAC)
	message := string(v.Bytes(l.Message))
	if len(address) == 0 || len(mac) == 0 || message != "ACK" && message != "ARP" {
		return
	}
	at := v.Head().Time
	ref := entity.Ref{Key: event.KeyOf(tenant, entity.IP, address), Name: l.Address, Type: entity.IP}
	b := r.addresses.at(uint64(ref.Key))
	if b.Entity == 0 {
		r.born(b, &ref)
		b.Since = at
	}
	who := event.KeyOf(tenant, entity.MAC, mac)
	m := *r.addresses.at(uint64(who)) // a copy: the next at may move it
	b = r.addresses.at(uint64(ref.Key))
	switch {
	case b.MAC == who: // renewed
	case m.Entity != 0: // a machine we know moves here
		b.Entity, b.MAC, b.Since = m.Entity, who, at
	case b.MAC == 0: // nobody else was ever shown to have it
		b.MAC = who
	default: // a machine we have not met takes the address over
		b.Entity, b.MAC, b.Since = who, who, at
	}
	holder := b.Entity
	known := r.addresses.at(uint64(who))
	known.Entity, known.Since = holder, at
	if v.Head().Subject.Type == entity.MAC {
		v.Head().Subject.Key = holder
	}
	r.Directory.identify(holder, entity.MAC, string(mac), at)
	if host := v.Bytes(l.Hostname); len(host) > 0 {
		r.Directory.identify(holder, entity.Hostname, string(host), at)
	}
}

// name replaces a place outside by its domain, and remembers what names are learned.
func (r *Resolver) name(v event.View, tenant uint64) {
	h := v.Head()
	var host []byte
	switch h.Type {
	case event.DNSType:
		r.answers(v, tenant)
		return
	case event.TLSType:
		host = v.Bytes(v.TLS().ServerName)
	case event.HTTPType:
		host = v.Bytes(v.HTTP().Host)
	}
	if h.Object.Key == 0 || h.Object.Own == 1 {
		return
	}
	if len(host) > 0 {
		if d := r.domains.of(host); len(d) > 0 {
			k := r.Directory.domain(tenant, d, h.Time)
			if h.Link != 0 {
				r.links.put(text.Mix(h.Link, tenant), k)
			}
			r.rename(&h.Object, k)
			return
		}
	}
	if h.Link != 0 {
		if k := r.links.get(text.Mix(h.Link, tenant)); k != 0 {
			r.rename(&h.Object, k)
			return
		}
	}
	if k := r.lookups.get(text.Mix(uint64(h.Subject.Key), uint64(h.Object.Key))); k != 0 {
		r.rename(&h.Object, k)
	}
}

func (r *Resolver) rename(ref *entity.Ref, k entity.Key) {
	ref.Key, ref.Kind = k, entity.External
}

// answers remembers which names a client was told the addresses of.
func (r *Resolver) answers(v event.View, tenant uint64) {
	d, h := v.DNS(), v.Head()
	if d.Answers.N == 0 || h.Subject.Key == 0 {
		return
	}
	name := r.domains.of(v.Bytes(d.Query))
	if len(name) == 0 {
		return
	}
	var k entity.Key
	for _, a := range v.List(d.Answers) {
		s := v.Bytes(a)
		if len(s) == 0 || !digital(s) {
			continue
		}
		if k == 0 {
			k = r.Directory.domain(tenant, name, h.Time)
		}
		r.lookups.put(text.Mix(uint64(h.Subject.Key), uint64(event.KeyOf(tenant, entity.IP, s))), k)
	}
}

// digital reports whether s can only be an address.
func digital(s []byte) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != ':' && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s[0] >= '0' && s[0] <= '9' || contains(s, ':')
}

func contains(s []byte, b byte) bool {
	for _, c := range s {
		if c == b {
			return true
		}
	}
	return false
}
