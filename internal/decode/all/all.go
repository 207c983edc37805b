// Package all lists the decoders.
package all

import (
	"vedette/internal/decode"
	"vedette/internal/decode/arp"
	"vedette/internal/decode/dhcp"
	"vedette/internal/decode/dns"
	"vedette/internal/decode/eve"
	"vedette/internal/decode/http"
	"vedette/internal/decode/quic"
	"vedette/internal/decode/rdp"
	"vedette/internal/decode/smtp"
	"vedette/internal/decode/tls"
	"vedette/internal/decode/zeek"
)

// Kinds returns every decoder of lines.
func Kinds() []decode.Kind {
	return []decode.Kind{
		eve.Kind,
		zeek.Kind,
	}
}

// Protocols returns every decoder of conversations. Where several could be meant, the
// first that says so decodes.
func Protocols() []decode.Protocol {
	return []decode.Protocol{
		tls.Kind,
		quic.Kind,
		http.Kind,
		dns.Kind,
		dhcp.Kind,
		rdp.Kind,
		smtp.Kind,
	}
}

// Frames returns every decoder of frames that are not IP.
func Frames() []decode.Frame {
	return []decode.Frame{
		arp.Kind,
	}
}
