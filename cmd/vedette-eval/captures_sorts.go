package main

import "strings"

// finished is a protocol that is compared, and what other tools call it.
type finished struct {
	service  string // as flows have it
	events   string // datasets of what is made of it
	zeek     string // logs
	suricata string // types of EVE events
	ndpi     string // protocols, as its results spell them
}

// protocols lists what is compared. A protocol joins, by its line, when it is finished.
func protocols() []finished {
	return []finished{
		{"", "packet/flow", "conn.log", "flow", ""},
		{"dns", "packet/dns packet/mdns packet/llmnr packet/nbns", "dns.log", "", "DNS MDNS LLMNR NetBIOS"},
		{"http", "packet/http", "http.log", "http", "HTTP"},
		{"tls", "packet/tls", "ssl.log", "tls", "TLS DTLS"},
		{"quic", "packet/quic", "ssl.log", "", "QUIC"},
		{"dhcp", "packet/dhcp", "dhcp.log", "", "DHCP"},
		{"rdp", "packet/rdp", "rdp.log", "", "RDP"},
		{"smtp", "packet/smtp", "smtp.log", "smtp", "SMTP"},
	}
}

// sorts returns what is compared by the other tools' names, and the events of ours that
// are the same.
func sorts() map[string][]string {
	all := map[string][]string{}
	for _, p := range protocols() {
		for _, name := range strings.Fields(p.zeek + " " + p.suricata) {
			all[name] = append(all[name], strings.Fields(p.events)...)
		}
	}
	return all
}
