package zeek

import "bytes"

// log is a kind of record.
type log struct {
	path    string
	make    func(r *record, at int64) error // makes the events; at is Unix nanoseconds
	silent  bool                            // nothing in it is telemetry
	proof   func(r *record) bool            // of a guess that other programs' records meet too
	dataset []byte
}

// other is the dataset of logs whose path is unfit for one.
const other = "other"

// logs returns the logs we know, but those of control protocols that need nothing
// special, which are in controlLogs.
func logs() []log {
	all := []log{
		{path: "conn", make: conn},
		{path: "open_conn", make: openConn},
		{path: "conn_long", make: openConn},
		{path: "dns", make: dns},
		{path: "http", make: http},
		{path: "ssl", make: ssl},
		{path: "x509", make: x509},
		{path: "ssh", make: ssh},
		{path: "kerberos", make: kerberos},
		{path: "ntlm", make: ntlm},
		{path: "rdp", make: rdp},
		{path: "radius", make: radius},
		{path: "rfb", make: rfb},
		{path: "mqtt_connect", make: mqttConnect},
		{path: "mysql", make: mysql},
		{path: "postgresql", make: postgresql},
		{path: "redis", make: redis},
		{path: "ldap", make: ldap},
		{path: "ftp", make: ftp},
		{path: "roc_plus_login", make: rocLogin},
		{path: "files", make: files},
		{path: "smb_files", make: smbFiles},
		{path: "smb_mapping", make: smbMapping},
		{path: "smtp", make: smtp},
		{path: "dhcp", make: dhcp},
		{path: "arp", make: arp},
		{path: "known_hosts", make: knownHosts, proof: isKnownHost},
		{path: "known_services", make: knownServices},
		{path: "known_certs", make: knownCerts},
		{path: "known_modbus", make: knownModbus},
		{path: "known_devices", make: knownDevices},
		{path: "software", make: software},
		{path: "notice", make: notice},
		{path: "notice_alarm", make: notice},
		{path: "intel", make: intel},
		{path: "signatures", make: signatures},
		{path: "weird", make: weird},
		{path: "weird_stats", make: plainOther},
		{path: "dce_rpc", make: dceRPC},
		{path: "sip", make: sip},
		{path: "tunnel", make: tunnel},
		{path: "dpd", make: analyzer},
		{path: "analyzer", make: analyzer},
		{path: "analyzer_debug", make: analyzer},
		{path: "syslog", make: syslog},
		{path: "irc", make: irc},
		{path: "socks", make: socks},
		{path: "pe", make: pe},
		{path: "reporter", make: reporter, proof: isReporter},
		{path: "loaded_scripts", silent: true, proof: isScript},
		{path: other, make: plainOther},
		{path: "modbus", make: modbus},
		{path: "modbus_detailed", make: modbus},
		{path: "modbus_mask_write_register", make: modbus},
		{path: "modbus_read_write_multiple_registers", make: modbus},
		{path: "modbus_read_device_identification", make: modbus},
		{path: "modbus_register_change", make: modbusChange},
		{path: "dnp3", make: dnp3},
		{path: "bacnet_discovery", make: bacnetDiscovery},
		{path: "cip_identity", make: cipIdentity},
		{path: "s7comm_known_devices", make: s7Devices},
		{path: "ecat_dev_info", make: ecatDevice},
	}
	for _, c := range controlLogs() {
		all = append(all, log{path: c.path, make: c.make})
	}
	return all
}

// sign says by which two fields a record of a log is told, if it does not say itself.
type sign struct {
	path string
	a, b column
	log  *log
}

// signs returns the signs of the logs, the most frequent first. The first that fits
// counts, so a sign may lean on those before it.
func signs() []sign { return append(commonSigns(), rareSigns()...) }

// commonSigns are those of the logs that every Zeek writes.
func commonSigns() []sign {
	return []sign{
		{path: "conn", a: cConnState, b: cTS},
		{path: "dns", a: cTransID, b: cAA},
		{path: "dns", a: cQuery, b: cQtype},
		{path: "ssl", a: cEstablished, b: cTS},
		{path: "sip", a: cTransDepth, b: cRequestPath},
		{path: "smtp", a: cTransDepth, b: cTLS},
		{path: "http", a: cTransDepth, b: cTS},
		{path: "files", a: cFUID, b: cSeenBytes},
		{path: "x509", a: cCertVersion, b: cTS},
		{path: "ocsp", a: cCertStatus, b: cTS},
		{path: "ssh", a: cAuthAttempts, b: cTS},
		{path: "ssh", a: cClient, b: cServer},
		{path: "kerberos", a: cRequestType, b: cTS},
		{path: "kerberos", a: cClient, b: cTill},
		{path: "ntlm", a: cServerNBName, b: cTS},
		{path: "ntlm", a: cDomainname, b: cTS},
		{path: "rdp", a: cSecurityProtocol, b: cTS},
		{path: "rdp", a: cCookie, b: cTS},
		{path: "rdp", a: cCertCount, b: cTS},
		{path: "smb_mapping", a: cShareType, b: cTS},
		{path: "smb_files", a: cAction, b: cSize},
		{path: "smb_files", a: cAction, b: cTimesModified},
		{path: "dce_rpc", a: cEndpoint, b: cOperation},
		{path: "dhcp", a: cMsgTypes, b: cTS},
		{path: "dhcp", a: cMAC, b: cLeaseTime},
		{path: "arp", a: cOperation, b: cOrigHW},
		{path: "radius", a: cUsername, b: cResult},
		{path: "radius", a: cConnectInfo, b: cTS},
		{path: "ftp", a: cCommand, b: cReplyCode},
		{path: "ftp", a: cDataChannelPassive, b: cTS},
		{path: "ftp", a: cCommand, b: cArg},
		{path: "irc", a: cCommand, b: cValue},
		{path: "intel", a: cIndicator, b: cTS},
		{path: "notice", a: cNote, b: cActions},
		{path: "notice", a: cNote, b: cMsg},
		{path: "signatures", a: cSigID, b: cTS},
		{path: "weird", a: cName, b: cNotice},
		{path: "software", a: cSoftwareType, b: cTS},
	}
}

// rareSigns are those of the rest, industrial protocols among them.
func rareSigns() []sign {
	return []sign{
		{path: "known_services", a: cPortNum, b: cPortProto},
		{path: "known_certs", a: cPortNum, b: cIssuerSubject},
		{path: "known_modbus", a: cHost, b: cDeviceType},
		{path: "snmp", a: cGetRequests, b: cTS},
		{path: "socks", a: cRequestP, b: cTS},
		{path: "syslog", a: cFacility, b: cUID},
		{path: "mysql", a: cCmd, b: cSuccess},
		{path: "mysql", a: cCmd, b: cUID},
		{path: "dnp3_control", a: cTripControlCode, b: cTS},
		{path: "dnp3_objects", a: cObjectCount, b: cTS},
		{path: "dnp3", a: cFcRequest, b: cTS},
		{path: "dnp3", a: cIin, b: cTS},
		{path: "modbus_detailed", a: cRequestValues, b: cTS},
		{path: "modbus_detailed", a: cModbusLink, b: cQuantity},
		{path: "modbus_mask_write_register", a: cAndMask, b: cTS},
		{path: "modbus_read_write_multiple_registers", a: cWriteStart, b: cTS},
		{path: "modbus", a: cUnit, b: cFunc},
		{path: "modbus", a: cFunc, b: cOrigH},
		{path: "mqtt_connect", a: cConnectStatus, b: cTS},
		{path: "mqtt_connect", a: cClientID, b: cProtoName},
		{path: "mqtt_publish", a: cTopic, b: cQos},
		{path: "mqtt_subscribe", a: cTopics, b: cTS},
		{path: "ntp", a: cRefTime, b: cTS},
		{path: "quic", a: cInitialDCID, b: cTS},
		{path: "rfb", a: cClientMajor, b: cTS},
		{path: "tunnel", a: cTunnelType, b: cTS},
		{path: "dpd", a: cAnalyzer, b: cFailureReason},
		{path: "analyzer", a: cAnalyzerName, b: cTS},
		{path: "pe", a: cIsExe, b: cTS},
		{path: "ldap_search", a: cBaseObject, b: cTS},
		{path: "ldap", a: cOpcode, b: cMessageID},
		{path: "ldap", a: cOpcodes, b: cMessageID},
		{path: "postgresql", a: cFrontend, b: cTS},
		{path: "postgresql", a: cBackend, b: cTS},
		{path: "redis", a: cCmdName, b: cTS},
		{path: "websocket", a: cClientProtocols, b: cTS},
		{path: "s7comm", a: cRosctrCode, b: cTS},
		{path: "s7comm_plus", a: cOpcodeName, b: cFunctionName},
		{path: "s7comm_read_szl", a: cSzlID, b: cTS},
		{path: "s7comm_upload_download", a: cFunctionStatus, b: cTS},
		{path: "cotp", a: cPduCode, b: cPduName},
		{path: "cip_identity", a: cProductName, b: cVendorName},
		{path: "cip", a: cCipServiceCode, b: cTS},
		{path: "cip_io", a: cIOData, b: cTS},
		{path: "enip", a: cEnipCommand, b: cTS},
		{path: "bacnet", a: cBvlcFunction, b: cTS},
		{path: "bacnet_property", a: cProperty, b: cObjectType},
		{path: "bacnet_discovery", a: cPduService, b: cObjectType},
		{path: "bacnet_device_control", a: cDeviceState, b: cPduService},
		{path: "stats", a: cPktsProc, b: cTS},
		{path: "capture_loss", a: cPercentLost, b: cTS},
		{path: "reporter", a: cLevel, b: cMessage},
		{path: "packet_filter", a: cFilter, b: cNode},
		{path: "known_hosts", a: cHost, b: cTS},
		{path: "loaded_scripts", a: cName, b: cName},
	}
}

// Records of few fields with common names are of Zeek only if their values look like it.

func isReporter(r *record) bool { return bytes.HasPrefix(r.peek(cLevel), []byte("Reporter::")) }

func isKnownHost(r *record) bool {
	var buf [48]byte
	return len(r.fields) == 2 && address(buf[:0], r.peek(cHost)) != nil
}

func isScript(r *record) bool {
	name := r.peek(cName)
	return len(r.fields) == 1 && (bytes.HasSuffix(name, []byte(".zeek")) || bytes.HasSuffix(name, []byte(".bro")))
}

// guess returns the log that has such fields, or nil.
func (d *decoder) guess(has func(column) bool) *log {
	for i := range d.signs {
		if s := &d.signs[i]; has(s.a) && has(s.b) {
			return s.log
		}
	}
	return nil
}
