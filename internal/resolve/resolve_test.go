package resolve

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/rows"
	"vedette/internal/text"
)

func TestRows(t *testing.T) {
	for name, err := range map[string]error{
		"binding": rows.Check[binding](), "tally": rows.Check[tally](), "saved": rows.Check[saved](), "further": rows.Check[further](),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// line is an event of a story. Its fields are those of the kind that it speaks of.
type line struct {
	at       int64 // seconds
	kind     event.Type
	from, to string // addresses
	local    [2]entity.Tri
	tenant   string

	address, mac, host, message string // of a lease
	lasts                       uint64
	name                        string // asked for, or of the server
	answers                     []string
	link                        uint64
}

func ack(at int64, address, mac, host string, lasts uint64) line {
	return line{at: at, kind: event.LeaseType, address: address, mac: mac, host: host, message: "ACK", lasts: lasts}
}

func flow(at int64, from, to string) line {
	return line{at: at, kind: event.FlowType, from: from, to: to}
}

// tell resolves a story, one batch each for so many lines, and returns the parties.
func tell(r *Resolver, batch int, story ...line) (parties [][2]entity.Ref) {
	for part := range slices.Chunk(story, batch) {
		b := new(event.Batch)
		e := event.NewEmit(nil)
		for i, l := range part {
			tenant := l.tenant
			if tenant == "" {
				tenant = "t"
			}
			e.Source(b, tenant, "s", "x")
			e.Begin(uint64(i+1), event.Handshake, nil)
			l.write(e)
		}
		r.Resolve(b)
		for i := range b.Events {
			parties = append(parties, [2]entity.Ref{b.Events[i].Subject, b.Events[i].Object})
		}
	}
	return parties
}

func (l line) write(e *event.Emit) {
	var h *event.Envelope
	word := func(s string) text.Ref { return e.Text([]byte(s)) }
	at := l.at * 1e9
	switch l.kind {
	case event.LeaseType:
		var x *event.Lease
		h, x = e.Lease(at)
		x.Address, x.MAC, x.Hostname, x.Message, x.Seconds = word(l.address), word(l.mac), word(l.host), word(l.message), l.lasts
		h.Subject = e.Entity(entity.Device, entity.MAC, []byte(l.mac))
		return
	case event.DNSType:
		list := e.List()
		for _, a := range l.answers {
			e.Listed(&list, []byte(a))
		}
		var x *event.DNS
		h, x = e.DNS(at)
		x.Query, x.Answers = word(l.name), list
	case event.TLSType:
		var x *event.TLS
		h, x = e.TLS(at)
		x.ServerName = word(l.name)
	case event.HTTPType:
		var x *event.HTTP
		h, x = e.HTTP(at)
		x.Host = word(l.name)
	default:
		h, _ = e.Flow(at)
	}
	h.Link = l.link
	h.Subject = e.Entity(entity.Device, entity.IP, []byte(l.from))
	h.Object = e.Entity(entity.Device, entity.IP, []byte(l.to))
	h.Subject.Local, h.Object.Local = l.local[0], l.local[1]
}

const (
	macA, macB = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
	outside    = "93.184.216.34"
)

// TestStories tell who is who. In same and apart stand pairs of events whose subjects
// must, or must not, be the same entity.
func TestStories(t *testing.T) {
	for _, x := range []struct {
		name        string
		story       []line
		same, apart [][2]int
	}{
		{
			"one_address_two_devices_one_after_the_other",
			[]line{
				ack(0, "10.0.0.5", macA, "ann", 3600), flow(10, "10.0.0.5", outside), ack(1800, "10.0.0.5", macA, "ann", 3600), flow(1900, "10.0.0.5", outside),
				ack(9000, "10.0.0.5", macB, "ben", 3600), flow(9001, "10.0.0.5", outside), flow(9002, "10.0.0.5", outside),
			},
			[][2]int{{1, 3}, {5, 6}, {0, 1}, {4, 5}, {0, 2}},
			[][2]int{{1, 5}, {0, 4}},
		},
		{
			"a_device_moves_to_another_address",
			[]line{ack(0, "10.0.0.5", macA, "ann", 3600), flow(10, "10.0.0.5", outside), ack(100, "10.0.9.9", macA, "ann", 3600), flow(110, "10.0.9.9", outside)},
			[][2]int{{1, 3}, {0, 3}},
			nil,
		},
		{
			"and_somebody_else_gets_the_old_one",
			[]line{
				ack(0, "10.0.0.5", macA, "", 0), flow(10, "10.0.0.5", outside), ack(100, "10.0.9.9", macA, "", 0),
				ack(200, "10.0.0.5", macB, "", 0), flow(210, "10.0.0.5", outside), flow(211, "10.0.9.9", outside),
			},
			[][2]int{{1, 5}},
			[][2]int{{1, 4}, {4, 5}},
		},
		{
			"two_devices_swap_addresses",
			[]line{
				ack(0, "10.0.0.1", macA, "", 0), ack(0, "10.0.0.2", macB, "", 0), flow(1, "10.0.0.1", outside), flow(1, "10.0.0.2", outside),
				ack(2, "10.0.0.2", macA, "", 0), ack(3, "10.0.0.1", macB, "", 0), flow(4, "10.0.0.2", outside), flow(4, "10.0.0.1", outside),
			},
			[][2]int{{2, 6}, {3, 7}},
			[][2]int{{2, 3}, {6, 7}},
		},
		{
			"known_by_its_address_alone_it_keeps_its_entity",
			[]line{flow(0, "10.0.0.5", outside), flow(1, "10.0.0.5", outside), ack(2, "10.0.0.5", macA, "ann", 3600), flow(3, "10.0.0.5", outside)},
			[][2]int{{0, 1}, {1, 3}, {2, 3}},
			nil,
		},
		{
			"a_lease_holds_until_another_machine_shows_up",
			[]line{ack(0, "10.0.0.5", macA, "", 3600), flow(3599, "10.0.0.5", outside), flow(90000, "10.0.0.5", outside), flow(90001, "10.0.0.5", outside)},
			[][2]int{{1, 2}, {2, 3}},
			nil,
		},
		{
			"a_lease_that_ran_out_and_is_renewed",
			[]line{ack(0, "10.0.0.5", macA, "", 3600), flow(10, "10.0.0.5", outside), flow(90000, "10.0.0.5", outside), ack(90100, "10.0.0.5", macA, "", 3600), flow(90101, "10.0.0.5", outside)},
			[][2]int{{1, 4}},
			nil,
		},
		{
			"a_lease_of_unknown_length_lasts",
			[]line{ack(0, "10.0.0.5", macA, "", 0), flow(10, "10.0.0.5", outside), flow(1e7, "10.0.0.5", outside)},
			[][2]int{{1, 2}},
			nil,
		},
		{
			"arp_binds",
			[]line{
				{at: 0, kind: event.LeaseType, address: "10.0.0.5", mac: macA, message: "ARP"},
				flow(1, "10.0.0.5", outside),
				{at: 2, kind: event.LeaseType, address: "10.0.0.6", mac: macA, message: "ARP"},
				flow(3, "10.0.0.6", outside),
			},
			[][2]int{{1, 3}},
			nil,
		},
		{
			"a_request_binds_nothing",
			[]line{ack(0, "10.0.0.5", macA, "", 0), {at: 1, kind: event.LeaseType, address: "10.0.0.5", mac: macB, message: "REQUEST"}, ack(2, "10.0.0.6", macB, "", 0), flow(3, "10.0.0.5", outside), flow(4, "10.0.0.6", outside)},
			[][2]int{{0, 3}, {2, 4}},
			[][2]int{{3, 4}},
		},
		{
			"no_address_or_no_mac_binds_nothing",
			[]line{flow(0, "10.0.0.5", outside), ack(1, "", macA, "", 0), ack(2, "10.0.0.5", "", "", 0), flow(3, "10.0.0.5", outside)},
			[][2]int{{0, 3}},
			nil,
		},
		{
			"the_same_address_of_two_tenants",
			[]line{{at: 0, kind: event.FlowType, from: "10.0.0.5", to: outside, tenant: "one"}, {at: 0, kind: event.FlowType, from: "10.0.0.5", to: outside, tenant: "two"}, {at: 1, kind: event.FlowType, from: "10.0.0.5", to: outside, tenant: "one"}},
			[][2]int{{0, 2}},
			[][2]int{{0, 1}},
		},
		{
			"the_same_mac_of_two_tenants",
			[]line{
				{at: 0, kind: event.LeaseType, address: "10.0.0.5", mac: macA, message: "ACK", tenant: "one"},
				{at: 0, kind: event.LeaseType, address: "10.0.0.5", mac: macA, message: "ACK", tenant: "two"},
				{at: 1, kind: event.FlowType, from: "10.0.0.5", to: outside, tenant: "one"},
				{at: 1, kind: event.FlowType, from: "10.0.0.5", to: outside, tenant: "two"},
			},
			[][2]int{{0, 2}, {1, 3}},
			[][2]int{{0, 1}, {2, 3}},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, batch := range []int{len(x.story), 1} { // how events are cut into batches must not matter
				got := tell(New(nil), batch, x.story...)
				for _, p := range x.same {
					if a, b := got[p[0]][0].Key, got[p[1]][0].Key; a != b || a == 0 {
						t.Errorf("batches of %d: events %d and %d are of %x and %x, want the same", batch, p[0], p[1], a, b)
					}
				}
				for _, p := range x.apart {
					if a, b := got[p[0]][0].Key, got[p[1]][0].Key; a == b {
						t.Errorf("batches of %d: events %d and %d are both of %x", batch, p[0], p[1], a)
					}
				}
			}
		})
	}
}

func TestLeaseHoldsForTheServerToo(t *testing.T) {
	got := tell(New(nil), 10, ack(0, "10.0.0.5", macA, "", 0), flow(1, "10.0.0.9", "10.0.0.5"), ack(2, "10.0.0.6", macA, "", 0), flow(3, "10.0.0.9", "10.0.0.6"))
	if got[1][1].Key != got[3][1].Key || got[1][1].Key != got[0][0].Key {
		t.Error("a server that moved is another")
	}
}

// TestPlacesAreNamed: a place outside goes by the domain that its name was registered
// under, as far as the connection or the client's own look-ups tell.
func TestPlacesAreNamed(t *testing.T) {
	const me, other = "10.0.0.5", "10.0.0.6"
	domain := event.KeyOf(text.Hash(0, []byte("t")), entity.Hostname, []byte("example.com"))
	plain := event.KeyOf(text.Hash(0, []byte("t")), entity.IP, []byte(outside))
	tls := func(name string, link uint64) line {
		return line{kind: event.TLSType, from: me, to: outside, name: name, link: link}
	}
	ask := func(who, name string, answers ...string) line {
		return line{kind: event.DNSType, from: who, to: "10.0.0.1", name: name, answers: answers}
	}
	for _, x := range []struct {
		name  string
		story []line
		want  entity.Key // of the last event's object
	}{
		{"by_sni", []line{tls("www.example.com", 0)}, domain},
		{"by_sni_and_link", []line{tls("www.example.com", 7), {kind: event.FlowType, from: me, to: outside, link: 7}}, domain},
		{"by_http_host", []line{{kind: event.HTTPType, from: me, to: outside, name: "cdn.example.com"}}, domain},
		{"by_lookup", []line{ask(me, "a.b.example.com", outside), flow(1, me, outside)}, domain},
		{"by_lookup_with_alias", []line{ask(me, "www.example.com", "edge.cdn.net", outside), flow(1, me, outside)}, domain},
		{"two_names_of_one_domain", []line{tls("a.example.com", 0), tls("b.example.com", 0)}, domain},
		{"name_of_the_connection_before_lookup", []line{ask(me, "other.net", outside), tls("www.example.com", 0)}, domain},
		{"latest_lookup", []line{ask(me, "other.net", outside), ask(me, "example.com", outside), flow(1, me, outside)}, domain},
		{"a_move_keeps_lookups", []line{ack(0, me, macA, "", 0), ask(me, "example.com", outside), ack(1, "10.0.0.77", macA, "", 0), flow(2, "10.0.0.77", outside)}, domain},
		{"not_by_lookup_of_others", []line{ask(other, "example.com", outside), flow(1, me, outside)}, plain},
		{"not_by_another_link", []line{tls("www.example.com", 7), {kind: event.FlowType, from: other, to: outside, link: 8}}, plain},
		{"not_without_answer", []line{ask(me, "example.com"), flow(1, me, outside)}, plain},
		{"not_by_an_address", []line{{kind: event.HTTPType, from: me, to: outside, name: outside}}, plain},
		{"link_of_another_tenant", []line{
			{kind: event.TLSType, from: me, to: outside, name: "www.example.com", link: 7, tenant: "two"}, {kind: event.FlowType, from: me, to: outside, link: 7},
		}, plain},
	} {
		t.Run(x.name, func(t *testing.T) {
			got := tell(New(nil), len(x.story), x.story...)
			last := got[len(got)-1][1]
			if last.Key != x.want || last.Own != 0 || last.Kind != entity.External {
				t.Errorf("the place is %x (kind %v, own %d), want %x", last.Key, last.Kind, last.Own, x.want)
			}
		})
	}
	t.Run("not_a_server_of_ours", func(t *testing.T) {
		got := tell(New(nil), 2, line{kind: event.TLSType, from: me, to: other, name: "intranet.example.com"}, flow(1, me, other))
		if got[0][1].Key != got[1][1].Key || got[0][1].Own != 1 {
			t.Error("a machine of ours became a place outside by its name")
		}
	})
}

func TestRegisteredDomains(t *testing.T) {
	var d domains
	for name, want := range map[string]string{
		"www.example.com": "example.com", "example.com": "example.com", "a.b.example.co.uk": "example.co.uk", "localhost": "localhost",
		"93.184.216.34": "", "2001:db8::1": "", "": "", "printer.local": "printer.local", "www.example.com.": "example.com", "co.uk": "co.uk",
	} {
		for range 2 {
			if got := d.of([]byte(name)); got != want {
				t.Errorf("%q is of %q, want %q", name, got, want)
			}
		}
	}
	if got := d.of(bytes.Repeat([]byte("a"), 300)); got != "" {
		t.Errorf("a name that is too long is of %q", got)
	}
}

// TestOwn: which addresses belong to the organisation.
func TestOwn(t *testing.T) {
	for address, own := range map[string]bool{
		"10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "100.64.0.1": true, "169.254.1.1": true, "fd00::1": true, "fe80::1": true,
		"93.184.216.34": false, "2606:4700::1": false, "172.32.0.1": false, "100.128.0.1": false,
		"224.0.0.251": false, "239.255.255.250": false, "255.255.255.255": false, "ff02::fb": false, "0.0.0.0": false,
		"::ffff:10.0.0.1": true, "::ffff:8.8.8.8": false,
	} {
		got := tell(New(nil), 1, flow(0, "10.0.0.5", address))
		if (got[0][1].Own == 1) != own {
			t.Errorf("%s: own is %d", address, got[0][1].Own)
		}
		if want := map[bool]entity.Kind{true: entity.Device, false: entity.External}[own]; got[0][1].Kind != want {
			t.Errorf("%s: %v, want %v", address, got[0][1].Kind, want)
		}
	}
}

func TestDeclaredNetworksAreOwn(t *testing.T) {
	r := New([]netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:7::/48")})
	for address, own := range map[string]bool{
		"203.0.113.9": true, "203.0.114.9": false, "2001:db8:7:1::5": true, "2001:db8:8::5": false, "10.0.0.1": true, "::ffff:203.0.113.9": true,
	} {
		if got := tell(r, 1, flow(0, "198.51.100.1", address)); (got[0][1].Own == 1) != own {
			t.Errorf("%s: own is %d", address, got[0][1].Own)
		}
	}
	// And nothing is guessed where something was declared.
	for i := range 1000 {
		tell(r, 1, flow(int64(i), fmt.Sprintf("198.51.100.%d", i%250), fmt.Sprintf("93.%d.%d.1", i%250, i%7)))
	}
	if got := tell(r, 1, flow(0, "198.51.100.1", "93.0.0.1")); got[0][0].Own == 1 {
		t.Error("a network is guessed to be ours though ours was declared")
	}
}

func TestSensorSaysWhatIsLocal(t *testing.T) {
	say := func(a, b entity.Tri) line {
		return line{kind: event.FlowType, from: "203.0.113.9", to: outside, local: [2]entity.Tri{a, b}}
	}
	got := tell(New(nil), 1, say(entity.Yes, entity.No))
	if got[0][0].Own != 1 || got[0][1].Own != 0 {
		t.Errorf("own %d and %d, want what the sensor says", got[0][0].Own, got[0][1].Own)
	}
	got = tell(New(nil), 1, line{kind: event.FlowType, from: "10.0.0.5", to: "224.0.0.251", local: [2]entity.Tri{entity.Yes, entity.Yes}})
	if got[0][1].Own != 0 {
		t.Error("a multicast address is ours because the sensor calls it local")
	}
}

// TestOwnPublicNetworkIsInferred: a sensor stands at the edge of one network, and each
// conversation has one end in it.
func TestOwnPublicNetworkIsInferred(t *testing.T) {
	client := func(i int) string { return fmt.Sprintf("%d.%d.%d.%d", 11+i%180, i*7%250, i*13%250, 1+i%250) }
	for _, x := range []struct {
		name        string
		of          func(i int) (from, to string)
		ours, other []string
	}{
		{
			"one_server_with_many_clients",
			func(i int) (string, string) { return client(i), "203.0.113.80" },
			[]string{"203.0.113.80"},
			[]string{client(1), client(7), client(100)},
		},
		{
			"a_network_of_clients_of_whom_many_ask_8.8.8.8",
			func(i int) (string, string) {
				if i%5 < 2 {
					return fmt.Sprintf("203.0.113.%d", 1+i%200), "8.8.8.8"
				}
				return fmt.Sprintf("203.0.113.%d", 1+i%200), client(i)
			},
			[]string{"203.0.113.5", "203.0.113.77"},
			[]string{"8.8.8.8", client(3)},
		},
		{
			"clients_and_a_server",
			func(i int) (string, string) {
				if i%2 == 0 {
					return client(i), "203.0.113.80"
				}
				return "203.0.113.9", client(i + 500)
			},
			[]string{"203.0.113.80", "203.0.113.9"},
			[]string{client(2), client(501)},
		},
		{
			"one_client_and_one_server",
			func(int) (string, string) { return "203.0.113.9", "8.8.8.8" },
			[]string{"203.0.113.9"},
			[]string{"8.8.8.8"},
		},
		{
			"two_networks_of_ours",
			func(i int) (string, string) {
				if i%4 == 0 {
					return "198.51.100.7", client(i)
				}
				return "203.0.113.9", client(i)
			},
			[]string{"203.0.113.9", "198.51.100.7"},
			[]string{client(4), client(5)},
		},
		{
			"ipv6",
			func(i int) (string, string) {
				return fmt.Sprintf("2001:db8:7:%x::1", i%9), fmt.Sprintf("2606:%x::1", 1+i%900)
			},
			[]string{"2001:db8:7:1::1"},
			[]string{"2606:5::1"},
		},
		{
			"nobody_stands_out",
			func(i int) (string, string) { return client(i * 3), client(i*3 + 1) },
			nil,
			[]string{client(3), client(4), client(300)},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := New(nil)
			for i := range 2500 {
				from, to := x.of(i)
				tell(r, 1, flow(int64(i), from, to))
			}
			own := func(a string) bool { return tell(r, 1, flow(9999, a, "8.8.4.4"))[0][0].Own == 1 }
			for _, a := range x.ours {
				if !own(a) {
					t.Errorf("%s is not known to be ours", a)
				}
			}
			for _, a := range x.other {
				if own(a) {
					t.Errorf("%s is taken for ours", a)
				}
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	r := New(nil)
	got := tell(r, 3,
		flow(5, "10.0.0.5", outside), ack(10, "10.0.0.5", macA, "ann-laptop", 3600), flow(20, "10.0.0.5", outside),
		ack(100, "10.0.0.6", macA, "ann-laptop", 3600), flow(200, "10.0.0.6", outside), ack(300, "10.0.0.6", macA, "ann-new", 3600))
	k := got[0][0].Key
	want := []Identifier{
		{entity.IP, "10.0.0.5", 5e9, 300e9},
		{entity.MAC, macA, 10e9, 300e9},
		{entity.Hostname, "ann-laptop", 10e9, 100e9},
		{entity.IP, "10.0.0.6", 200e9, 200e9},
		{entity.Hostname, "ann-new", 300e9, 300e9},
	}
	have := r.Directory.Identifiers(k)
	for _, w := range want {
		i := slices.IndexFunc(have, func(h Identifier) bool { return h.Type == w.Type && h.Value == w.Value })
		if i < 0 {
			t.Errorf("%v %s is not known", w.Type, w.Value)
		} else if h := have[i]; h.From != w.From || h.To != w.To {
			t.Errorf("%v %s from %d to %d, want from %d to %d", w.Type, w.Value, h.From/1e9, h.To/1e9, w.From/1e9, w.To/1e9)
		}
	}
	if len(have) != len(want) {
		t.Errorf("%d identifiers, want %d: %v", len(have), len(want), have)
	}
	if n := r.Directory.Name(k); n != "ann-new" {
		t.Errorf("its name is %q", n)
	}
	if kind, own := r.Directory.Kind(k); kind != entity.Device || !own {
		t.Errorf("it is a %v, own %v", kind, own)
	}
	if n := r.Directory.Name(12345); n != "" || r.Directory.Identifiers(12345) != nil {
		t.Errorf("somebody unknown is called %q", n)
	}
}

func TestHolds(t *testing.T) {
	d := &Directory{}
	d.identify(1, entity.IP, "10.1.2.33", 1)
	d.identify(1, entity.Hostname, "WS-113.Corp.example", 2)
	d.identify(2, entity.Hostname, "BÜRO-7", 3)
	for _, test := range []struct {
		key  entity.Key
		part string
		want bool
	}{
		{1, "", true},
		{1, "10.1.2.33", true},
		{1, "1.2.3", true},
		{1, "ws-113", true},
		{1, "corp.example", true},
		{1, "10.1.2.333", false},
		{1, "ws-113.corp.example.org", false},
		{2, "büro", true},
		{2, "-7", true},
		{2, "bÜro", false},
		{3, "", false},
	} {
		if got := d.Holds(test.key, []byte(test.part)); got != test.want {
			t.Errorf("%d holds %q: %v", test.key, test.part, got)
		}
	}
}

func TestDirectoryIsBounded(t *testing.T) {
	r := New(nil)
	var k entity.Key
	for i := range 500 { // a machine that roams
		k = tell(r, 1, ack(int64(i), fmt.Sprintf("10.0.%d.%d", i/200, i%200), macA, "ann", 0), flow(int64(i), fmt.Sprintf("10.0.%d.%d", i/200, i%200), outside))[1][0].Key
	}
	if n := len(r.Directory.Identifiers(k)); n > mostIdentifiers+1 {
		t.Errorf("%d identifiers of one entity", n)
	}
	if n := r.Directory.Name(k); n != "ann" {
		t.Errorf("its name is lost: %q", n)
	}
}

// drawStory makes up a story of few addresses and machines.
func drawStory(t *rapid.T) (story []line) {
	address := rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "203.0.113.4", outside, "224.0.0.1", "fe80::1", "nonsense"})
	name := rapid.SampledFrom([]string{"", "www.example.com", "example.net", "a.example.co.uk", outside})
	at := int64(0)
	for range rapid.IntRange(1, 60).Draw(t, "lines") {
		at += int64(rapid.IntRange(-100, 5000).Draw(t, "step"))
		l := line{at: at, from: address.Draw(t, "from"), to: address.Draw(t, "to"), link: rapid.Uint64Range(0, 5).Draw(t, "link"), name: name.Draw(t, "name")}
		switch l.kind = rapid.SampledFrom([]event.Type{event.FlowType, event.LeaseType, event.DNSType, event.TLSType, event.HTTPType}).Draw(t, "kind"); l.kind {
		case event.LeaseType:
			l.address, l.mac, l.host = l.from, rapid.SampledFrom([]string{macA, macB, ""}).Draw(t, "mac"), l.name
			l.message, l.lasts = rapid.SampledFrom([]string{"ACK", "ARP", "REQUEST", ""}).Draw(t, "message"), rapid.Uint64Range(0, 9000).Draw(t, "lasts")
		case event.DNSType:
			l.answers = rapid.SliceOfN(address, 0, 3).Draw(t, "answers")
		}
		story = append(story, l)
	}
	return story
}

// TestAnyStory: however events are cut into batches, and wherever the resolver is saved
// and read again, the same parties and the same bytes come out.
func TestAnyStory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story := drawStory(t)
		one, two := New(nil), New(nil)
		want := tell(one, len(story), story...)
		cut := rapid.IntRange(0, len(story)).Draw(t, "cut")
		got := tell(two, 3, story[:cut]...)
		in := rows.Reader{Src: two.Append(nil)}
		two = New(nil)
		if two.Read(&in); in.Err != nil || len(in.Src) > 0 {
			t.Fatalf("read: %v, %d bytes left", in.Err, len(in.Src))
		}
		got = append(got, tell(two, 1, story[cut:]...)...)
		for i := range want {
			for side := range want[i] {
				a, b := want[i][side], got[i][side]
				if a.Key != b.Key || a.Own != b.Own || a.Kind != b.Kind {
					t.Fatalf("event %d, side %d: %+v in one go, %+v in pieces", i, side, a, b)
				}
			}
		}
		if !bytes.Equal(one.Append(nil), two.Append(nil)) {
			t.Fatal("another state in the end")
		}
	})
}

func TestDamagedResolver(t *testing.T) {
	r := New(nil)
	for i := range 100 {
		tell(r, 4, ack(int64(i), fmt.Sprintf("10.0.0.%d", i), fmt.Sprintf("02:00:00:00:00:%02x", i), "h", 0), flow(int64(i), fmt.Sprintf("10.0.0.%d", i), outside),
			line{kind: event.TLSType, from: "10.0.0.1", to: outside, name: fmt.Sprintf("www.p%d.com", i), link: uint64(i)})
	}
	good := r.Append(nil)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, len(good)-1).Draw(t, "n")
		in := rows.Reader{Src: good[:n:n]}
		if New(nil).Read(&in); in.Err == nil {
			t.Fatalf("%d of %d bytes are taken for whole", n, len(good))
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		bad := bytes.Clone(good)
		for range rapid.IntRange(1, 4).Draw(t, "flips") {
			bad[rapid.IntRange(0, len(bad)-1).Draw(t, "at")] ^= rapid.Byte().Draw(t, "bits")
		}
		in := rows.Reader{Src: bad}
		New(nil).Read(&in) // an error or not, but no panic
	})
}

func BenchmarkResolve(b *testing.B) {
	r := New(nil)
	e := event.NewEmit(nil)
	var batch, again event.Batch
	e.Source(&batch, "t", "s", "x")
	for i := range 4096 {
		e.Begin(uint64(i), event.Handshake, nil)
		l := flow(int64(i), fmt.Sprintf("10.0.%d.%d", i%40, i%200), fmt.Sprintf("93.184.%d.%d", i%100, i%250))
		if l.link = uint64(i % 2000); i%3 == 0 {
			l.kind, l.name = event.TLSType, fmt.Sprintf("www.place%d.com", i%300)
		}
		l.write(e)
	}
	saved := batch.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if again.Read(saved) != nil {
			b.Fatal("not read")
		}
		b.StartTimer()
		r.Resolve(&again)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/event")
}
