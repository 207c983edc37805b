package rdp

import "strconv"

// Words are those of Zeek's rdp.log, so that whoever reads both reads the same.

// security names what a server chose (MS-RDPBCGR, section 2.2.1.2.1).
func security(chosen uint32) string {
	switch chosen {
	case 0:
		return "RDP"
	case 1:
		return "SSL"
	case 2:
		return "HYBRID"
	case 4:
		return "RDSTLS"
	case 8:
		return "HYBRID_EX"
	case 16:
		return "RDSAAD"
	}
	return "security_protocol-" + strconv.FormatUint(uint64(chosen), 10)
}

// failure names why a server did not (section 2.2.1.2.2).
func failure(code uint32) string {
	switch code {
	case 1:
		return "SSL_REQUIRED_BY_SERVER"
	case 2:
		return "SSL_NOT_ALLOWED_BY_SERVER"
	case 3:
		return "SSL_CERT_NOT_ON_SERVER"
	case 4:
		return "INCONSISTENT_FLAGS"
	case 5:
		return "HYBRID_REQUIRED_BY_SERVER"
	case 6:
		return "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"
	}
	return "failure_code-" + strconv.FormatUint(uint64(code), 10)
}

// conference names how a conference was answered (T.125, section 7, Result).
func conference(code byte) string {
	switch code {
	case 0:
		return "Success"
	case 14:
		return "User rejected"
	}
	return "result-" + strconv.Itoa(int(code))
}

// build returns the version of RDP of a client's build of Windows.
func build(n uint32) []byte {
	versions := [...]struct {
		build   uint32
		version string
	}{
		{419, "4.0"},
		{2195, "5.0"},
		{2221, "5.0"},
		{2600, "5.1"},
		{3790, "5.2"},
		{6000, "6.0"},
		{6001, "6.1"},
		{6002, "6.2"},
		{7600, "7.0"},
		{7601, "7.1"},
		{9200, "8.0"},
		{9600, "8.1"},
		{10240, "10.0"},
		{10586, "10.0"},
		{14393, "10.1"},
		{15063, "10.2"},
		{16299, "10.3"},
		{17134, "10.4"},
		{17763, "10.5"},
		{18362, "10.6"},
		{18363, "10.7"},
		{19041, "10.8"},
		{22000, "10.11"},
		{22621, "10.12"},
	}
	for _, v := range versions {
		if v.build == n {
			return []byte("RDP " + v.version)
		}
	}
	return strconv.AppendUint([]byte("client_build-"), uint64(n), 10)
}

// depth returns how many bits of colour a client asks for (section 2.2.1.3.2).
func depth(high, flags uint16) string {
	if flags&0x0002 != 0 {
		return "32bit"
	}
	switch high {
	case 0x04, 0x08, 0x0f, 0x10, 0x18:
		return strconv.Itoa(int(high)) + "bit"
	}
	return ""
}

// method names a server's choice of cipher (section 2.2.1.4.3).
func method(n uint32) string {
	switch n {
	case 0:
		return "None"
	case 1:
		return "40bit"
	case 2:
		return "128bit"
	case 8:
		return "56bit"
	case 16:
		return "FIPS"
	}
	return "encryption_method-" + strconv.FormatUint(uint64(n), 10)
}

// level names how much of what is said is encrypted.
func level(n uint32) string {
	names := [...]string{"None", "Low", "Client compatible", "High", "FIPS"}
	if int(n) < len(names) {
		return names[n]
	}
	return "encryption_level-" + strconv.FormatUint(uint64(n), 10)
}

// keyboard names the most frequent layouts (MS-LCID, section 2.2), others by their number.
func keyboard(n uint32) string {
	switch n & 0xffff { // above it, variants
	case 0x0401:
		return "Arabic - Saudi Arabia"
	case 0x0404:
		return "Chinese - Taiwan"
	case 0x0405:
		return "Czech"
	case 0x0406:
		return "Danish"
	case 0x0407:
		return "German - Germany"
	case 0x0408:
		return "Greek"
	case 0x0409:
		return "English - United States"
	case 0x040a:
		return "Spanish - Spain (Traditional Sort)"
	case 0x040b:
		return "Finnish"
	case 0x040c:
		return "French - France"
	case 0x040d:
		return "Hebrew"
	case 0x040e:
		return "Hungarian"
	case 0x0410:
		return "Italian - Italy"
	case 0x0411:
		return "Japanese"
	case 0x0412:
		return "Korean"
	case 0x0413:
		return "Dutch - Netherlands"
	case 0x0414:
		return "Norwegian (Bokmål)"
	case 0x0415:
		return "Polish"
	case 0x0416:
		return "Portuguese - Brazil"
	case 0x0418:
		return "Romanian"
	case 0x0419:
		return "Russian"
	case 0x041d:
		return "Swedish"
	case 0x041f:
		return "Turkish"
	case 0x0422:
		return "Ukrainian"
	case 0x0804:
		return "Chinese - People's Republic of China"
	case 0x0807:
		return "German - Switzerland"
	case 0x0809:
		return "English - United Kingdom"
	case 0x080a:
		return "Spanish - Mexico"
	case 0x080c:
		return "French - Belgium"
	case 0x0813:
		return "Dutch - Belgium"
	case 0x0816:
		return "Portuguese - Portugal"
	case 0x0c07:
		return "German - Austria"
	case 0x0c0a:
		return "Spanish - Spain (Modern Sort)"
	case 0x0c0c:
		return "French - Canada"
	case 0x1009:
		return "English - Canada"
	case 0x100c:
		return "French - Switzerland"
	}
	return "keyboard-" + strconv.FormatUint(uint64(n), 10)
}
