package eve

import (
	"bytes"

	"vedette/internal/decode"
)

// policyOf says what becomes of a field without a place, by its dotted name. Protocols
// whose messages carry content have a closed list of fields that may pass: a version of
// Suricata that adds one adds it blinded. Of the others a name must not look sensitive
// in any of its parts.
func policyOf(path []byte) policy {
	top, _, _ := bytes.Cut(path, []byte("."))
	leaf := path[bytes.LastIndexByte(path, '.')+1:]
	switch string(leaf) {
	case "magic":
		return magic
	case "certificate", "chain", "rule", "protocol_id": // long or always the same, and said by other fields
		return gone
	}
	if harmless(path) {
		return plain
	}
	if pass, closed := passes(string(top), string(leaf)); closed {
		if pass {
			return plain
		}
		return blind
	}
	for part := range bytes.SplitSeq(path, []byte(".")) {
		if decode.Sensitive(part) {
			return blind
		}
	}
	switch string(leaf) {
	case "directory", "redirect", "from", "to", "file", "challenge", "command_data", "reply":
		return blind
	}
	return plain
}

// harmless reports whether a name passes although it looks sensitive to
// [decode.Sensitive], which cannot know what the parts of words mean here.
func harmless(path []byte) bool {
	switch string(path) {
	case "community_id", "tls.subject", "tls.subjectaltname", "tls.issuerdn", "packet_info.linktype", "packet_info.linktype_name",
		"dhcp.params", "alert.target.ip", "alert.target.port", "ike.payload":
		return true
	}
	// Written by the author of the rule or the sensor, or numbers of parts of a device.
	for _, prefix := range [...]string{"alert.metadata.", "alert.references", "metadata.flowints.", "stats.", "enip.request.cip.path."} {
		if bytes.HasPrefix(path, []byte(prefix)) {
			return true
		}
	}
	return false
}

// passes reports whether a protocol has a closed list, and whether a field is on it.
func passes(protocol, leaf string) (pass, closed bool) {
	switch protocol {
	case "http", "http2":
		pass = passesHTTP(leaf)
	case "smtp", "email":
		switch leaf {
		case "helo", "mail_from", "rcpt_to", "status", "body_md5", "x_mailer", "date", "importance", "priority", "content_md5":
			pass = true
		}
	case "ftp", "pop3":
		switch leaf {
		case "command", "completion_code", "reply_received", "mode", "dynamic_port", "status", "success", "command_truncated", "reply_truncated":
			pass = true
		}
	case "pgsql":
		switch leaf {
		case "tx_id", "protocol_version", "user", "database", "application_name", "code", "severity_non_localizable", "ssl_accepted",
			"sasl_authentication_mechanism", "data_rows", "data_size", "row_count", "field_count", "server_version", "is_superuser",
			"password_redacted", "client_encoding", "replication":
			pass = true
		}
	case "ldap":
		switch leaf {
		case "operation", "message_id", "version", "mechanism", "result_code", "scope", "size_limit", "time_limit", "types_only", "deref_alias":
			pass = true
		}
	case "mqtt":
		switch leaf {
		case "qos", "retain", "dup", "protocol_string", "protocol_version", "client_id", "username", "clean_session", "will", "will_retain",
			"session_present", "return_code", "reason_code", "message_id", "qos_granted", "reason_codes", "skipped_length", "truncated":
			pass = true
		}
	case "sip":
		switch leaf {
		case "method", "code", "version", "media":
			pass = true
		}
	case "rfb":
		switch leaf {
		case "major", "minor", "security_type", "security_result", "screen_shared", "width", "height", "server_security_failure_reason":
			pass = true
		}
	case "websocket":
		pass = leaf == "fin" || leaf == "mask" || leaf == "opcode"
	case "metadata": // flowvars and pktvars are cut out of the traffic by rules
		pass = leaf == "flowbits"
	case "frame":
		switch leaf {
		case "type", "id", "direction", "stream_offset", "length", "complete", "tx_id":
			pass = true
		}
	case "template", "payload", "packet", "payload_printable":
	default:
		return false, false
	}
	return pass, true
}

func passesHTTP(leaf string) bool {
	switch leaf {
	case "hostname", "http_port", "http_user_agent", "http_content_type", "http_method", "protocol", "status", "status_string", "length",
		"xff", "version", "stream_id", "error_code", "priority", "has_multiple", "settings_id", "settings_value",
		"server", "via", "accept", "accept_encoding", "accept_language", "accept_charset", "accept_datetime", "accept_range",
		"allow", "age", "cache_control", "connection", "content_encoding", "content_language", "content_length", "content_type",
		"date", "dnt", "expires", "last_modified", "max_forwards", "pragma", "retry_after", "te", "trailer", "transfer_encoding",
		"upgrade", "vary", "warning", "org_src_ip", "true_client_ip", "x_flash_version", "x_requested_with", "start", "end", "size":
		return true
	}
	return false
}
