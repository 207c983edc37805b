package resolve

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/entity"
	"vedette/internal/rows"
)

// TestFloodOfAddresses: whoever makes up addresses for ever neither fills memory nor makes
// anybody somebody else.
func TestFloodOfAddresses(t *testing.T) {
	home := []line{
		ack(10, "10.0.0.5", macA, "alpha", 3600), flow(20, "10.0.0.5", outside),
		ack(30, "10.0.0.6", macB, "beta", 3600), flow(40, "10.0.0.6", "10.0.0.5"), flow(45, "10.0.0.7", outside),
	}
	later := []line{flow(9000, "10.0.0.5", outside), ack(9010, "10.0.0.9", macA, "alpha", 3600), flow(9020, "10.0.0.9", "10.0.0.6"), flow(9030, "10.0.0.7", outside)}
	made := func(i int) line {
		return flow(100+int64(i)/100, fmt.Sprintf("10.%d.%d.%d", 1+i>>16, i>>8&255, i&255), fmt.Sprintf("%d.%d.%d.7", 20+i>>16, i>>8&255, i&255))
	}
	var calm, flooded Resolver
	tell(&calm, 10, home...)
	tell(&flooded, 10, home...)
	for round := range 3 {
		for i := range 20 {
			var all []line
			for j := range 500 {
				all = append(all, made(round*10_000+i*500+j))
			}
			tell(&flooded, 500, all...)
			if flooded.addresses.used > 5000 {
				flooded.forgetAddresses(5000)
			}
			if flooded.Directory.Len() > 4000 {
				flooded.Directory.forget(2000)
			}
		}
		if n := flooded.addresses.used; n > 6000 {
			t.Errorf("%d addresses are remembered", n)
		}
		if n := len(flooded.own.counts.keys); n > 8192 {
			t.Errorf("conversations of %d networks are counted", n)
		}
	}
	parties := func(r *Resolver) (all []entity.Key) {
		for _, p := range tell(r, 10, later...) {
			all = append(all, p[0].Key, p[1].Key)
		}
		return all
	}
	if d := cmp.Diff(parties(&calm), parties(&flooded)); d != "" {
		t.Errorf("after the flood they are others:\n%s", d)
	}
	for _, k := range []entity.Key{tell(&flooded, 10, flow(9100, "10.0.0.5", outside))[0][0].Key} {
		if name := flooded.Directory.Name(k); name != "alpha" {
			t.Errorf("alpha is called %q", name)
		}
	}
	if n := flooded.Directory.Len(); n > 5000 {
		t.Errorf("the directory has %d entries", n)
	}

	var again Resolver
	r := rows.Reader{Src: flooded.Append(nil)}
	if again.Read(&r); r.Err != nil {
		t.Fatal(r.Err)
	}
	flooded.Directory.forget(500)
	again.Directory.forget(500)
	if !bytes.Equal(flooded.Append(nil), again.Append(nil)) {
		t.Error("replay forgets something else")
	}
}

// TestLeasesGiveWayLast: only if what leases have shown takes most of the room, the older half goes.
func TestLeasesGiveWayLast(t *testing.T) {
	var r Resolver
	var all []line
	for i := range 1000 {
		all = append(all, ack(int64(i), fmt.Sprintf("10.0.%d.%d", i>>8, i&255), fmt.Sprintf("02:00:00:00:%02x:%02x", i>>8, i&255), "", 60))
	}
	tell(&r, 100, all...)
	if r.forgetAddresses(4000); r.addresses.used != 2000 {
		t.Errorf("%d bindings, want an address and a MAC of each of 1,000 machines", r.addresses.used)
	}
	r.forgetAddresses(2000)
	if n := r.addresses.used; n < 900 || n > 1100 {
		t.Errorf("%d bindings, want half of them", n)
	}
	last := tell(&r, 1, slices.Clone(all[999:])...)[0][0].Key
	if first := tell(&r, 1, flow(2000, "10.0.3.231", outside))[0][0].Key; first != last {
		t.Error("the latest lease was forgotten")
	}
}
