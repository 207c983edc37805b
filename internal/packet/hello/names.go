package hello

import (
	"crypto/tls"
	"strconv"
)

// VersionName returns a version of TLS as other tools write it, such as "TLSv1.3".
func VersionName(v uint16) string {
	switch v {
	case 0x0304:
		return "TLSv1.3"
	case 0x0303:
		return "TLSv1.2"
	case 0x0302:
		return "TLSv1.1"
	case 0x0301:
		return "TLSv1.0"
	case 0x0300:
		return "SSLv3"
	case 0x0002:
		return "SSLv2"
	case 0xfeff:
		return "DTLSv1.0"
	case 0xfefd:
		return "DTLSv1.2"
	case 0xfefc:
		return "DTLSv1.3"
	}
	return "0x" + strconv.FormatUint(uint64(v), 16)
}

// CipherName returns IANA's name of a cipher suite, or its number where we have none.
func CipherName(c uint16) string {
	name := tls.CipherSuiteName(c)
	if len(name) > 2 && name[:2] == "0x" {
		return "0x" + string([]byte{hexDigit(byte(c >> 12)), hexDigit(byte(c >> 8 & 15)), hexDigit(byte(c >> 4 & 15)), hexDigit(byte(c & 15))})
	}
	return name
}
