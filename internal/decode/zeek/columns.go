package zeek

import "vedette/internal/decode"

// column is a name that fields have, in any log. Names beyond these are learned from the
// source, or unknown.
type column int16

// The columns that the code of some log asks for.
const (
	unknown               column = iota
	cPath0                       // _path
	cWriteTS                     // _write_ts
	cAA                          // AA
	cAction                      // action
	cActions                     // actions
	cAddress                     // address
	cAnalyzer                    // analyzer
	cAnalyzerName                // analyzer_name
	cAndMask                     // and_mask
	cAnswers                     // answers
	cAppFuncCode                 // app_func_code
	cApplicationName             // application_name
	cArg                         // arg
	cArgument                    // argument
	cArguments                   // arguments
	cAssignedAddr                // assigned_addr
	cAssignedIP                  // assigned_ip
	cAttributeID                 // attribute_id
	cAttributeIDStr              // attribute_id_str
	cAuth                        // auth
	cAuthAttempts                // auth_attempts
	cAuthSuccess                 // auth_success
	cBackend                     // backend
	cBaseObject                  // base_object
	cBeginningAddress            // beginning_address
	cBlockNumber                 // block_number
	cBlockType                   // block_type
	cBvlcFunction                // bvlc_function
	cCc                          // cc
	cCertChainFPs                // cert_chain_fps
	cCertChainFUIDs              // cert_chain_fuids
	cCertCount                   // cert_count
	cCertHash                    // cert_hash
	cCertSubject                 // certificate.subject
	cCertVersion                 // certificate.version
	cCertStatus                  // certStatus
	cCipService                  // cip_service
	cCipServiceCode              // cip_service_code
	cCipStatus                   // cip_status
	cCipher                      // cipher
	cClassName                   // class_name
	cClient                      // client
	cClientBuild                 // client_build
	cClientCertChainFUIDs        // client_cert_chain_fuids
	cClientID                    // client_id
	cInitialDCID                 // client_initial_dcid
	cClientMajor                 // client_major_version
	cClientProtocols             // client_protocols
	cCmd                         // cmd
	cCmdKey                      // cmd.key
	cCmdName                     // cmd.name
	cCmdValue                    // cmd.value
	cEcatCommand                 // Command
	cCommand                     // command
	cCommandCode                 // command_code
	cCommunityID                 // community_id
	cConnState                   // conn_state
	cConnUIDs                    // conn_uids
	cConnectInfo                 // connect_info
	cConnectStatus               // connect_status
	cConnectionID                // connection_id
	cCookie                      // cookie
	cDataChannelOrigH            // data_channel.orig_h
	cDataChannelPassive          // data_channel.passive
	cDataChannelRespH            // data_channel.resp_h
	cDataChannelRespP            // data_channel.resp_p
	cDataStreamID                // data_stream_id
	cDatabase                    // database
	cDate                        // date
	cDepth                       // depth
	cDesktopName                 // desktop_name
	cDestinationGroup            // destination_group
	cDestinationH                // destination_h
	cDestinationP                // destination_p
	cDestinationUnit             // destination_unit
	cDevType                     // dev_type
	cDeviceState                 // device_state
	cDeviceType                  // device_type
	cDHCPHostName                // dhcp_host_name
	cDirectCommand               // direct_pdu_command_command_number
	cDirection                   // direction
	cDomain                      // domain
	cDomainname                  // domainname
	cDriveNum                    // drive_num
	cDropped                     // dropped
	cDst                         // dst
	cDstAddr                     // dst_addr
	cDstPort                     // dst_port
	cDuration                    // duration
	cEmailDest                   // email_dest
	cEndpoint                    // endpoint
	cEnipCommand                 // enip_command
	cEnipStatus                  // enip_status
	cError                       // error
	cErrorClass                  // error_class
	cErrorCode                   // error_code
	cErrorMsg                    // error_msg
	cEstablished                 // established
	cException                   // exception
	cExceptionCode               // exception_code
	cExtfun                      // extfun
	cExtractedCutoff             // extracted_cutoff
	cFacility                    // facility
	cFailureReason               // failure_reason
	cFcReply                     // fc_reply
	cFcRequest                   // fc_request
	cFileSize                    // file_size
	cFilename                    // filename
	cFilter                      // filter
	cFingerprint                 // fingerprint
	cFrameType                   // frame_type
	cFrom                        // from
	cFrontend                    // frontend
	cFUID                        // fuid
	cFUIDs                       // fuids
	cFunc                        // func
	cFuncCode                    // func_code
	cFunctionCode                // function_code
	cFunctionName                // function_name
	cFunctionStatus              // function_status
	cGetRequests                 // get_requests
	cHassh                       // hassh
	cHeader                      // header
	cHeaderMessageID             // header_message_id
	cHeaderMessageType           // header_message_type_message_type
	cHeaderStatusCode            // header_status_code
	cHelo                        // helo
	cHistory                     // history
	cHost                        // host
	cHostName                    // host_name
	cHostP                       // host_p
	cIcfDataType                 // icf_data_type
	cOrigH                       // id.orig_h
	cOrigP                       // id.orig_p
	cRespH                       // id.resp_h
	cRespP                       // id.resp_p
	cIdentifierStr               // identifier_str
	cIin                         // iin
	cIndex                       // index
	cIndexNumber                 // index_number
	cInstanceID                  // instance_id
	cInstanceNumber              // instance_number
	cIOData                      // io_data
	cIsExe                       // is_exe
	cIsOrig                      // is_orig
	cIssuer                      // issuer
	cIssuerSubject               // issuer_subject
	cJA3                         // ja3
	cJA3S                        // ja3s
	cJA4                         // ja4
	cLastReply                   // last_reply
	cLeaseTime                   // lease_time
	cLevel                       // level
	cLocalOrig                   // local_orig
	cLocalResp                   // local_resp
	cLogAddr                     // Log_Addr
	cMAC                         // mac
	cMachine                     // machine
	cMailfrom                    // mailfrom
	cMD5                         // md5
	cMemoryAreaCode              // memory_area_code
	cMemoryOffset                // memory_offset
	cMessage                     // message
	cMessageID                   // message_id
	cMessageType                 // message_type
	cMethod                      // method
	cMimeType                    // mime_type
	cMissedBytes                 // missed_bytes
	cMissingBytes                // missing_bytes
	cModbusLink                  // modbus_detailed_link_id
	cModuleName                  // module_name
	cMsg                         // msg
	cMsgID                       // msg_id
	cMsgType                     // msg_type
	cMsgTypes                    // msg_types
	cName                        // name
	cNextProtocol                // next_protocol
	cNode                        // node
	cNodeNumeric                 // node_id_numeric
	cNodeString                  // node_id_string
	cNotValidAfter               // not_valid_after
	cNotValidBefore              // not_valid_before
	cNote                        // note
	cNotice                      // notice
	cNumberOfItems               // number_of_items
	cObject                      // object
	cObjectCount                 // object_count
	cObjectType                  // object_type
	cObjects                     // objects
	cOffset                      // offset
	cEcatOpcode                  // opCode
	cOpcode                      // opcode
	cOpcodeName                  // opcode_name
	cOpcodes                     // opcodes
	cOperation                   // operation
	cOperationNum                // operation_num
	cOperationType               // operation_type
	cOperatorID                  // operator_id
	cOrigBytes                   // orig_bytes
	cOrigFUIDs                   // orig_fuids
	cOrigHost                    // orig_h
	cOrigHW                      // orig_hw
	cOrigIPBytes                 // orig_ip_bytes
	cOrigPkts                    // orig_pkts
	cOverflowBytes               // overflow_bytes
	cP                           // p
	cPacketType                  // packet_type
	cPassword                    // password
	cPath                        // path
	cPduCode                     // pdu_code
	cPduName                     // pdu_name
	cPduService                  // pdu_service
	cPduType                     // pdu_type
	cPercentLost                 // percent_lost
	cPktsProc                    // pkts_proc
	cPointLogicNumber            // point_logic_number
	cPointType                   // point_type
	cPortNum                     // port_num
	cPortProto                   // port_proto
	cProductName                 // product_name
	cProperty                    // property
	cProto                       // proto
	cProtoName                   // proto_name
	cQclass                      // qclass
	cQclassName                  // qclass_name
	cQos                         // qos
	cQtype                       // qtype
	cQtypeName                   // qtype_name
	cQuantity                    // quantity
	cQuery                       // query
	cRA                          // RA
	cRange                       // range
	cRangeHigh                   // range_high
	cRangeLow                    // range_low
	cRcode                       // rcode
	cRcodeName                   // rcode_name
	cRcptto                      // rcptto
	cRD                          // RD
	cRefTime                     // ref_time
	cReferrer                    // referrer
	cRegister                    // register
	cRegisterAddr                // Register_Addr
	cRegisterType                // Register_Type
	cRejected                    // rejected
	cReplyValue                  // reply.value
	cReplyCode                   // reply_code
	cReplyMsg                    // reply_msg
	cReplyTo                     // reply_to
	cReqIdentifierStr            // req_identifier_str
	cReqResp                     // req_resp
	cRequestBodyLen              // request_body_len
	cRequestP                    // request_p
	cRequestPath                 // request_path
	cRequestResponse             // request_response
	cSubfunction                 // request_subfunction_code
	cRequestType                 // request_type
	cRequestValues               // request_values
	cRequestedAddr               // requested_addr
	cRespBytes                   // resp_bytes
	cRespFUIDs                   // resp_fuids
	cRespHost                    // resp_h
	cRespHW                      // resp_hw
	cRespIPBytes                 // resp_ip_bytes
	cRespMimeTypes               // resp_mime_types
	cRespPkts                    // resp_pkts
	cResponse                    // response
	cResponseBodyLen             // response_body_len
	cResponseCode                // response_code
	cResult                      // result
	cResultCode                  // result_code
	cResults                     // results
	cResumed                     // resumed
	cReturnCodeName              // return_code_name
	cRevision                    // revision
	cRosctrCode                  // rosctr_code
	cRows                        // rows
	cRxHosts                     // rx_hosts
	cSecurityProtocol            // security_protocol
	cIndicator                   // seen.indicator
	cIndicatorType               // seen.indicator_type
	cSeenBytes                   // seen_bytes
	cSegmentSelector             // segment_selector
	cSeq                         // seq
	cServer                      // server
	cServerAddr                  // server_addr
	cServerDNSName               // server_dns_computer_name
	cServerName                  // server_name
	cServerNBName                // server_nb_computer_name
	cService                     // service
	cServiceRequestCode          // service_request_code
	cServiceType                 // service_type
	cServices                    // services
	cSessionKey                  // session_key_string
	cSeverity                    // severity
	cSHA1                        // sha1
	cSHA256                      // sha256
	cShareType                   // share_type
	cSigID                       // sig_id
	cSize                        // size
	cSlaveAddr                   // Slave_Addr
	cSoftwareType                // software_type
	cSource                      // source
	cSourceH                     // source_h
	cSourceP                     // source_p
	cSrc                         // src
	cSrcAddr                     // src_addr
	cSrcPort                     // src_port
	cSrtpType                    // srtp_type
	cStatus                      // status
	cStatusCode                  // status_code
	cStatusMsg                   // status_msg
	cSub                         // sub
	cSubfunctionName             // subfunction_name
	cSubindex                    // subindex
	cSubject                     // subject
	cSuccess                     // success
	cSuppressFor                 // suppress_for
	cSzlID                       // szl_id
	cSzlIDName                   // szl_id_name
	cSzlIndex                    // szl_index
	cTableID                     // table_id
	cTargetID                    // targetid
	cTargetPort                  // targetport
	cTC                          // TC
	cTCPCommand                  // tcp_command
	cTill                        // till
	cTimedout                    // timedout
	cTimesModified               // times.modified
	cTLS                         // tls
	cTo                          // to
	cTokenCommand                // token_passing_pdu_command_number
	cTopic                       // topic
	cTopics                      // topics
	cTotalBytes                  // total_bytes
	cTransDepth                  // trans_depth
	cTransID                     // trans_id
	cTripControlCode             // trip_control_code
	cTS                          // ts
	cTTLs                        // TTLs
	cTunnelType                  // tunnel_type
	cTxHosts                     // tx_hosts
	cEcatType                    // Type
	cTypeName                    // type_name
	cUID                         // uid
	cUIDs                        // uids
	cUnit                        // unit
	cURI                         // uri
	cUser                        // user
	cUserAgent                   // user_agent
	cUsername                    // username
	cValidationStatus            // validation_status
	cValue                       // value
	cVariables                   // variables
	cVendor                      // vendor
	cVendorName                  // vendor_name
	cVersion                     // version
	cVersionAddl                 // version.addl
	cVersionMajor                // version.major
	cVersionMinor                // version.minor
	cVersionMinor2               // version.minor2
	cVersionMinor3               // version.minor3
	cWrappedKey                  // wrapped_session_key
	cWriteStart                  // write_start_address
	cZ                           // Z
	columns                      // one more than the last
)

// maxLearned is how many names of a source are remembered beside the columns, so that
// they need not be looked up and judged again.
const maxLearned = 512

// dictionary is the names of columns. Those behind the first were learned.
type dictionary struct {
	names    [][]byte
	keys     []jsonKey
	verdicts []uint8 // 0 not yet asked, 1 may be kept, 2 is blinded
	byName   map[string]column
}

func newDictionary() *dictionary {
	d := &dictionary{
		names: make([][]byte, 0, columns), keys: make([]jsonKey, 0, columns), verdicts: make([]uint8, 0, columns),
		byName: make(map[string]column, 2*columns),
	}
	for _, name := range columnNames() {
		d.enter(name)
	}
	d.keys[unknown] = jsonKey{text: []byte{0}} // which no JSON has
	for _, a := range [...]struct {
		name string
		column
	}{{"id_orig_h", cOrigH}, {"id_orig_p", cOrigP}, {"id_resp_h", cRespH}, {"id_resp_p", cRespP}} {
		d.byName[a.name] = a.column // a writer with Log::default_field_name_map
	}
	return d
}

func (d *dictionary) enter(name string) column {
	c := column(len(d.names))
	k := newKey(name)
	d.names = append(d.names, k.text[1:1+len(name)])
	d.keys = append(d.keys, k)
	d.verdicts = append(d.verdicts, 0)
	d.byName[name] = c
	return c
}

// column returns the column of a name, which is learned if there is room; else unknown.
func (d *dictionary) column(name []byte) column {
	c, ok := d.byName[string(name)]
	if !ok && len(name) > 0 && len(name) <= 64 && len(d.names) < int(columns)+maxLearned {
		c = d.enter(string(name))
	}
	return c
}

// content reports whether a column's values are blinded, which is found out when it is
// first asked: of most columns nobody asks.
func (d *dictionary) content(c column) bool {
	if d.verdicts[c] == 0 {
		if d.verdicts[c] = 1; sensitive(d.names[c]) {
			d.verdicts[c] = 2
		}
	}
	return d.verdicts[c] == 2
}

// sensitive is [decode.Sensitive], which goes by parts of names, corrected for Zeek's:
// "security" has "uri" in it and is none, and many of Zeek's names say little of what is
// in them. Where one of these is harmless in some log, that log's code takes or shows it.
func sensitive(name []byte) bool {
	switch string(name) {
	case "security_protocol", "security_mechanism", "security_level", "security_access_mode", "pdu_reference",
		"payload_len", "payload_size", "packet_num", "packet_number", "packet_type", "total_packet_number", "packet_correlation_id",
		"request_body_len", "response_body_len", "basic_constraints.path_len", "target", "server_cert_subject", "community_id":
		return false
	case "msg", "sub", "sub_msg", "event_msg", "message", "reply_msg", "response", "addl", "failure_data", "extracted", "file_desc",
		"prev_name", "cmd.key", "cmd.value", "reply.value", "first_received", "second_received", "to", "cc", "from", "reply_to",
		"request_from", "request_to", "response_from", "response_to", "session_key_string", "wrapped_session_key":
		return true
	}
	return decode.Sensitive(name)
}

// columnNames returns the names of the columns as Zeek writes them.
func columnNames() [columns]string {
	return [columns]string{
		cPath0: "_path", cWriteTS: "_write_ts", cAA: "AA", cAction: "action", cActions: "actions", cAddress: "address", cAnalyzer: "analyzer",
		cAnalyzerName: "analyzer_name", cAndMask: "and_mask", cAnswers: "answers", cAppFuncCode: "app_func_code", cApplicationName: "application_name",
		cArg: "arg", cArgument: "argument", cArguments: "arguments", cAssignedAddr: "assigned_addr", cAssignedIP: "assigned_ip",
		cAttributeID: "attribute_id", cAttributeIDStr: "attribute_id_str", cAuth: "auth", cAuthAttempts: "auth_attempts", cAuthSuccess: "auth_success",
		cBackend: "backend", cBaseObject: "base_object", cBeginningAddress: "beginning_address", cBlockNumber: "block_number", cBlockType: "block_type",
		cBvlcFunction: "bvlc_function", cCc: "cc", cCertChainFPs: "cert_chain_fps", cCertChainFUIDs: "cert_chain_fuids", cCertCount: "cert_count",
		cCertHash: "cert_hash", cCertSubject: "certificate.subject", cCertVersion: "certificate.version", cCertStatus: "certStatus",
		cCipService: "cip_service", cCipServiceCode: "cip_service_code", cCipStatus: "cip_status", cCipher: "cipher", cClassName: "class_name",
		cClient: "client", cClientBuild: "client_build", cClientCertChainFUIDs: "client_cert_chain_fuids", cClientID: "client_id",
		cInitialDCID: "client_initial_dcid", cClientMajor: "client_major_version", cClientProtocols: "client_protocols", cCmd: "cmd", cCmdKey: "cmd.key",
		cCmdName: "cmd.name", cCmdValue: "cmd.value", cEcatCommand: "Command", cCommand: "command", cCommandCode: "command_code",
		cCommunityID: "community_id", cConnState: "conn_state", cConnUIDs: "conn_uids", cConnectInfo: "connect_info", cConnectStatus: "connect_status",
		cConnectionID: "connection_id", cCookie: "cookie", cDataChannelOrigH: "data_channel.orig_h", cDataChannelPassive: "data_channel.passive",
		cDataChannelRespH: "data_channel.resp_h", cDataChannelRespP: "data_channel.resp_p", cDataStreamID: "data_stream_id", cDatabase: "database",
		cDate: "date", cDepth: "depth", cDesktopName: "desktop_name", cDestinationGroup: "destination_group", cDestinationH: "destination_h",
		cDestinationP: "destination_p", cDestinationUnit: "destination_unit", cDevType: "dev_type", cDeviceState: "device_state",
		cDeviceType: "device_type", cDHCPHostName: "dhcp_host_name", cDirectCommand: "direct_pdu_command_command_number", cDirection: "direction",
		cDomain: "domain", cDomainname: "domainname", cDriveNum: "drive_num", cDropped: "dropped", cDst: "dst", cDstAddr: "dst_addr", cDstPort: "dst_port",
		cDuration: "duration", cEmailDest: "email_dest", cEndpoint: "endpoint", cEnipCommand: "enip_command", cEnipStatus: "enip_status", cError: "error",
		cErrorClass: "error_class", cErrorCode: "error_code", cErrorMsg: "error_msg", cEstablished: "established", cException: "exception",
		cExceptionCode: "exception_code", cExtfun: "extfun", cExtractedCutoff: "extracted_cutoff", cFacility: "facility", cFailureReason: "failure_reason",
		cFcReply: "fc_reply", cFcRequest: "fc_request", cFileSize: "file_size", cFilename: "filename", cFilter: "filter", cFingerprint: "fingerprint",
		cFrameType: "frame_type", cFrom: "from", cFrontend: "frontend", cFUID: "fuid", cFUIDs: "fuids", cFunc: "func", cFuncCode: "func_code",
		cFunctionCode: "function_code", cFunctionName: "function_name", cFunctionStatus: "function_status", cGetRequests: "get_requests", cHassh: "hassh",
		cHeader: "header", cHeaderMessageID: "header_message_id", cHeaderMessageType: "header_message_type_message_type",
		cHeaderStatusCode: "header_status_code", cHelo: "helo", cHistory: "history", cHost: "host", cHostName: "host_name", cHostP: "host_p",
		cIcfDataType: "icf_data_type", cOrigH: "id.orig_h", cOrigP: "id.orig_p", cRespH: "id.resp_h", cRespP: "id.resp_p", cIdentifierStr: "identifier_str",
		cIin: "iin", cIndex: "index", cIndexNumber: "index_number", cInstanceID: "instance_id", cInstanceNumber: "instance_number", cIOData: "io_data",
		cIsExe: "is_exe", cIsOrig: "is_orig", cIssuer: "issuer", cIssuerSubject: "issuer_subject", cJA3: "ja3", cJA3S: "ja3s", cJA4: "ja4",
		cLastReply: "last_reply", cLeaseTime: "lease_time", cLevel: "level", cLocalOrig: "local_orig", cLocalResp: "local_resp", cLogAddr: "Log_Addr",
		cMAC: "mac", cMachine: "machine", cMailfrom: "mailfrom", cMD5: "md5", cMemoryAreaCode: "memory_area_code", cMemoryOffset: "memory_offset",
		cMessage: "message", cMessageID: "message_id", cMessageType: "message_type", cMethod: "method", cMimeType: "mime_type",
		cMissedBytes: "missed_bytes", cMissingBytes: "missing_bytes", cModbusLink: "modbus_detailed_link_id", cModuleName: "module_name", cMsg: "msg",
		cMsgID: "msg_id", cMsgType: "msg_type", cMsgTypes: "msg_types", cName: "name", cNextProtocol: "next_protocol", cNode: "node",
		cNodeNumeric: "node_id_numeric", cNodeString: "node_id_string", cNotValidAfter: "not_valid_after", cNotValidBefore: "not_valid_before",
		cNote: "note", cNotice: "notice", cNumberOfItems: "number_of_items", cObject: "object", cObjectCount: "object_count", cObjectType: "object_type",
		cObjects: "objects", cOffset: "offset", cEcatOpcode: "opCode", cOpcode: "opcode", cOpcodeName: "opcode_name", cOpcodes: "opcodes",
		cOperation: "operation", cOperationNum: "operation_num", cOperationType: "operation_type", cOperatorID: "operator_id", cOrigBytes: "orig_bytes",
		cOrigFUIDs: "orig_fuids", cOrigHost: "orig_h", cOrigHW: "orig_hw", cOrigIPBytes: "orig_ip_bytes", cOrigPkts: "orig_pkts",
		cOverflowBytes: "overflow_bytes", cP: "p", cPacketType: "packet_type", cPassword: "password", cPath: "path", cPduCode: "pdu_code",
		cPduName: "pdu_name", cPduService: "pdu_service", cPduType: "pdu_type", cPercentLost: "percent_lost", cPktsProc: "pkts_proc",
		cPointLogicNumber: "point_logic_number", cPointType: "point_type", cPortNum: "port_num", cPortProto: "port_proto", cProductName: "product_name",
		cProperty: "property", cProto: "proto", cProtoName: "proto_name", cQclass: "qclass", cQclassName: "qclass_name", cQos: "qos", cQtype: "qtype",
		cQtypeName: "qtype_name", cQuantity: "quantity", cQuery: "query", cRA: "RA", cRange: "range", cRangeHigh: "range_high", cRangeLow: "range_low",
		cRcode: "rcode", cRcodeName: "rcode_name", cRcptto: "rcptto", cRD: "RD", cRefTime: "ref_time", cReferrer: "referrer", cRegister: "register",
		cRegisterAddr: "Register_Addr", cRegisterType: "Register_Type", cRejected: "rejected", cReplyValue: "reply.value", cReplyCode: "reply_code",
		cReplyMsg: "reply_msg", cReplyTo: "reply_to", cReqIdentifierStr: "req_identifier_str", cReqResp: "req_resp", cRequestBodyLen: "request_body_len",
		cRequestP: "request_p", cRequestPath: "request_path", cRequestResponse: "request_response", cSubfunction: "request_subfunction_code",
		cRequestType: "request_type", cRequestValues: "request_values", cRequestedAddr: "requested_addr", cRespBytes: "resp_bytes",
		cRespFUIDs: "resp_fuids", cRespHost: "resp_h", cRespHW: "resp_hw", cRespIPBytes: "resp_ip_bytes", cRespMimeTypes: "resp_mime_types",
		cRespPkts: "resp_pkts", cResponse: "response", cResponseBodyLen: "response_body_len", cResponseCode: "response_code", cResult: "result",
		cResultCode: "result_code", cResults: "results", cResumed: "resumed", cReturnCodeName: "return_code_name", cRevision: "revision",
		cRosctrCode: "rosctr_code", cRows: "rows", cRxHosts: "rx_hosts", cSecurityProtocol: "security_protocol", cIndicator: "seen.indicator",
		cIndicatorType: "seen.indicator_type", cSeenBytes: "seen_bytes", cSegmentSelector: "segment_selector", cSeq: "seq", cServer: "server",
		cServerAddr: "server_addr", cServerDNSName: "server_dns_computer_name", cServerName: "server_name", cServerNBName: "server_nb_computer_name",
		cService: "service", cServiceRequestCode: "service_request_code", cServiceType: "service_type", cServices: "services",
		cSessionKey: "session_key_string", cSeverity: "severity", cSHA1: "sha1", cSHA256: "sha256", cShareType: "share_type", cSigID: "sig_id",
		cSize: "size", cSlaveAddr: "Slave_Addr", cSoftwareType: "software_type", cSource: "source", cSourceH: "source_h", cSourceP: "source_p", cSrc: "src",
		cSrcAddr: "src_addr", cSrcPort: "src_port", cSrtpType: "srtp_type", cStatus: "status", cStatusCode: "status_code", cStatusMsg: "status_msg",
		cSub: "sub", cSubfunctionName: "subfunction_name", cSubindex: "subindex", cSubject: "subject", cSuccess: "success", cSuppressFor: "suppress_for",
		cSzlID: "szl_id", cSzlIDName: "szl_id_name", cSzlIndex: "szl_index", cTableID: "table_id", cTargetID: "targetid", cTargetPort: "targetport",
		cTC: "TC", cTCPCommand: "tcp_command", cTill: "till", cTimedout: "timedout", cTimesModified: "times.modified", cTLS: "tls", cTo: "to",
		cTokenCommand: "token_passing_pdu_command_number", cTopic: "topic", cTopics: "topics", cTotalBytes: "total_bytes", cTransDepth: "trans_depth",
		cTransID: "trans_id", cTripControlCode: "trip_control_code", cTS: "ts", cTTLs: "TTLs", cTunnelType: "tunnel_type", cTxHosts: "tx_hosts",
		cEcatType: "Type", cTypeName: "type_name", cUID: "uid", cUIDs: "uids", cUnit: "unit", cURI: "uri", cUser: "user", cUserAgent: "user_agent",
		cUsername: "username", cValidationStatus: "validation_status", cValue: "value", cVariables: "variables", cVendor: "vendor",
		cVendorName: "vendor_name", cVersion: "version", cVersionAddl: "version.addl", cVersionMajor: "version.major", cVersionMinor: "version.minor",
		cVersionMinor2: "version.minor2", cVersionMinor3: "version.minor3", cWrappedKey: "wrapped_session_key", cWriteStart: "write_start_address", cZ: "Z",
	}
}
