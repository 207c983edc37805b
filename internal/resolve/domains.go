package resolve

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"vedette/internal/text"
)

// domains finds the registered domain of a host name: the part that somebody bought. It
// keeps the latest answers, since the same names come all the time.
type domains struct {
	hosts [1 << 12]host
}

type host struct {
	key    uint64
	domain string
}

// of returns the registered domain of a host name in lower case, the name itself where
// there is none to be registered under (such as "localhost"), or "" for an address.
func (d *domains) of(name []byte) string {
	if len(name) == 0 || len(name) > 253 {
		return ""
	}
	key := text.Hash(2, name)
	h := &d.hosts[key%uint64(len(d.hosts))]
	if h.key != key {
		*h = host{key, registered(string(name))}
	}
	return h.domain
}

func registered(name string) string {
	name = strings.TrimSuffix(name, ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return ""
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(name); err == nil {
		return d
	}
	return name
}
