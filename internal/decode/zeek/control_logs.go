package zeek

import (
	"bytes"
	"strconv"
)

// controlLogs returns the logs of control protocols that one row describes: those of
// Zeek and of ICSNPP. Logs of theirs that are not here only repeat or refine one that is,
// joined to it by a link identifier; they are kept whole, as Extras.
func controlLogs() []controlLog {
	return []controlLog{
		{path: "dnp3_control", protocol: "dnp3", function: []column{cFunctionCode}, target: []column{cBlockType, cIndexNumber, cTripControlCode, cOperationType}, exception: cStatusCode},
		{path: "dnp3_objects", protocol: "dnp3", function: []column{cFunctionCode}, target: []column{cObjectType}, from: cRangeLow, to: cRangeHigh},
		{path: "dnp3_read_objects", protocol: "dnp3", function: []column{cFunctionCode}, target: []column{cObjectType}, from: cRangeLow, to: cRangeHigh},

		{path: "cotp", protocol: "cotp", function: []column{cPduName}},
		{path: "s7comm", protocol: "s7comm", function: []column{cFunctionName}, detail: cSubfunctionName, exception: cErrorClass},
		{path: "s7comm_plus", protocol: "s7comm-plus", function: []column{cFunctionName, cOpcodeName}},
		{path: "s7comm_read_szl", protocol: "s7comm", constant: "Read SZL", target: []column{cSzlIDName, cSzlIndex}, exception: cReturnCodeName},
		{path: "s7comm_upload_download", protocol: "s7comm", function: []column{cFunctionName}, target: []column{cBlockType, cBlockNumber}},

		{path: "enip", protocol: "enip", function: []column{cEnipCommand}, exception: cEnipStatus},
		{path: "cip", protocol: "cip", function: []column{cCipService}, target: []column{cClassName, cInstanceID, cAttributeID}, exception: cCipStatus},
		{path: "cip_io", protocol: "cip", constant: "I/O", target: []column{cConnectionID}},

		{path: "bacnet", protocol: "bacnet", function: []column{cPduService, cBvlcFunction}, exception: cResultCode},
		{path: "bacnet_property", protocol: "bacnet", function: []column{cPduService}, target: []column{cObjectType, cInstanceNumber, cProperty}},
		{path: "bacnet_device_control", protocol: "bacnet", function: []column{cPduService}, target: []column{cDeviceState}, exception: cResultCode},

		{path: "opcua_binary", protocol: "opcua", function: []column{cIdentifierStr, cReqIdentifierStr, cMsgType}, exception: cError},
		{path: "opcua_binary_opensecure_channel", protocol: "opcua", constant: "OpenSecureChannel"},
		{path: "opcua_binary_get_endpoints", protocol: "opcua", constant: "GetEndpoints"},
		{path: "opcua_binary_create_session", protocol: "opcua", constant: "CreateSession"},
		{path: "opcua_binary_activate_session", protocol: "opcua", constant: "ActivateSession"},
		{path: "opcua_binary_close_session", protocol: "opcua", constant: "CloseSession"},
		{path: "opcua_binary_browse", protocol: "opcua", constant: "Browse"},
		{path: "opcua_binary_read", protocol: "opcua", constant: "Read"},
		{path: "opcua_binary_write", protocol: "opcua", constant: "Write", target: []column{cNodeNumeric, cNodeString, cAttributeIDStr}, writes: true},
		{path: "opcua_binary_create_subscription", protocol: "opcua", constant: "CreateSubscription"},
		{path: "opcua_binary_create_monitored_items", protocol: "opcua", constant: "CreateMonitoredItems"},

		{path: "synchrophasor", protocol: "synchrophasor", constant: "stream", target: []column{cDataStreamID}},
		{path: "synchrophasor_cmd", protocol: "synchrophasor", function: []column{cCommand}},
		{path: "synchrophasor_cfg", protocol: "synchrophasor", function: []column{cFrameType}},
		{path: "synchrophasor_data", protocol: "synchrophasor", function: []column{cFrameType}},
		{path: "synchrophasor_hdr", protocol: "synchrophasor", function: []column{cFrameType}},

		{path: "genisys", protocol: "genisys", function: []column{cHeader}, target: []column{cServer}},
		{path: "hart_ip_general", protocol: "hart-ip", function: []column{cTokenCommand, cHeaderMessageID}, exception: cHeaderStatusCode},
		{path: "hart_ip_direct_pdu_command", protocol: "hart-ip", function: []column{cDirectCommand}},

		{path: "ecat_registers", protocol: "ethercat", function: []column{cEcatCommand}, target: []column{cSlaveAddr, cRegisterType, cRegisterAddr}},
		{path: "ecat_log_address", protocol: "ethercat", function: []column{cEcatCommand}, target: []column{cLogAddr}},
		{path: "ecat_aoe_info", protocol: "ethercat", function: []column{cCmd}, target: []column{cTargetID, cTargetPort}, exception: cErrorCode},
		{path: "ecat_coe_info", protocol: "ethercat", constant: "CoE", detail: cEcatType, target: []column{cIndex, cSubindex}},
		{path: "ecat_foe_info", protocol: "ethercat", constant: "FoE", detail: cEcatOpcode, exception: cErrorCode},
		{path: "ecat_soe_info", protocol: "ethercat", constant: "SoE", detail: cEcatOpcode, target: []column{cDriveNum, cIndex}, exception: cError},

		{path: "bsap_ip_header", protocol: "bsap", function: []column{cTypeName}},
		{path: "bsap_ip_rdb", protocol: "bsap", function: []column{cFuncCode, cAppFuncCode}, target: []column{cVariables}},
		{path: "bsap_serial_header", protocol: "bsap", function: []column{cTypeName}},
		{path: "bsap_serial_rdb", protocol: "bsap", function: []column{cFuncCode}, target: []column{cVariables}},
		{path: "bsap_serial_rdb_ext", protocol: "bsap", function: []column{cExtfun}},

		{path: "profinet_io_cm", protocol: "profinet", function: []column{cOperationNum}},
		{path: "profinet", protocol: "profinet", function: []column{cOperationNum, cOperationType}},
		{path: "profinet_dce_rpc", protocol: "profinet", function: []column{cOperation}},

		{path: "ge_srtp_general", protocol: "ge-srtp", function: []column{cServiceRequestCode, cMessageType, cSrtpType}, target: []column{cSegmentSelector, cMemoryOffset}},
		{path: "ge_srtp", protocol: "ge-srtp", function: []column{cServiceRequestCode, cMessageType, cSrtpType}, target: []column{cSegmentSelector, cMemoryOffset}},

		{path: "roc_plus", protocol: "roc_plus", function: []column{cOpcode}, target: []column{cDestinationUnit, cDestinationGroup}, exception: cErrorCode},
		{path: "roc_plus_file_transfer", protocol: "roc_plus", function: []column{cCommand}},
		{path: "roc_plus_single_point_parameters", protocol: "roc_plus", constant: "point parameters", target: []column{cPointType, cPointLogicNumber}},

		{path: "c1222", protocol: "c1222", function: []column{cServices}},
		{path: "c1222_read_write_service", protocol: "c1222", function: []column{cServiceType}, target: []column{cTableID, cOffset}},
		{path: "c1222_logon_security_service", protocol: "c1222", function: []column{cServiceType}},
		{path: "c1222_dereg_reg_service", protocol: "c1222", function: []column{cServiceType}},
		{path: "c1222_service_error", protocol: "c1222", function: []column{cService}, exception: cErrorCode},

		{path: "omron_fins_general", protocol: "omron-fins", function: []column{cCommandCode, cTCPCommand}, exception: cResponseCode},
		{path: "omron_fins_detail", protocol: "omron-fins", function: []column{cCommandCode}, target: []column{cMemoryAreaCode, cBeginningAddress, cNumberOfItems}, exception: cResponseCode},
		{path: "omron_fins_error", protocol: "omron-fins", function: []column{cCommandCode}, exception: cResponseCode},
		{path: "omron_fins_file", protocol: "omron-fins", function: []column{cCommandCode}, exception: cResponseCode},
		{path: "omron_fins_network_status_read", protocol: "omron-fins", function: []column{cCommandCode}, exception: cResponseCode},
		{path: "omron_fins_data_link_status_read", protocol: "omron-fins", function: []column{cCommandCode}, exception: cResponseCode},
	}
}

// modbus is every log of Modbus: each has some of the columns. An exception is an answer;
// the detailed log has both in one record.
func modbus(r *record, at int64) error {
	first, quantity := r.text(cAddress), r.text(cQuantity)
	if r.has(cWriteStart) {
		first, quantity = r.text(cWriteStart), nil
	}
	exception := r.text(cException)
	refused := len(exception) > 0
	if !refused {
		exception = r.text(cExceptionCode)
	}
	target := []byte(nil)
	if v := r.text(cUnit); len(v) > 0 {
		target = r.join([]byte("unit"), ' ', v)
	}
	if v := r.span(first, lastOf(first, quantity)); len(v) > 0 {
		way := "read"
		if bytes.Contains(r.peek(cFunc), []byte("WRITE")) {
			way = "write"
		}
		target = r.join(r.join(target, ',', nil), ' ', r.join([]byte(way), ' ', v))
		target = bytes.TrimLeft(target, ", ")
	}
	m, err := controlLog{protocol: "modbus", function: []column{cFunc}, detail: cSubfunction}.message(r, at)
	if err != nil {
		return err
	}
	m.Target = r.emit.Text(target)
	m.Exception = r.emit.Text(exception)
	if refused {
		m.Request, m.Write = 0, 0
	}
	return nil
}

// lastOf returns the last of a number of registers.
func lastOf(first, quantity []byte) []byte {
	a, ok1 := count(first)
	n, ok2 := count(quantity)
	if !ok1 || !ok2 || n < 2 || n > 1<<16 || a > 1<<32 {
		return nil
	}
	return strconv.AppendUint(nil, a+n-1, 10)
}

// modbusChange is a register that Zeek saw with another value than before.
func modbusChange(r *record, at int64) error {
	return controlLog{protocol: "modbus", constant: "REGISTER_CHANGE", target: []column{cRegister}}.make(r, at)
}

// dnp3 is a request with its answer, or an answer that nobody asked for.
func dnp3(r *record, at int64) error {
	unasked := !r.has(cFcRequest)
	m, err := controlLog{protocol: "dnp3", function: []column{cFcRequest, cFcReply}}.message(r, at)
	if err != nil {
		return err
	}
	if unasked {
		m.Request, m.Write = 0, 0
	}
	r.dropFalse(cIin)
	return nil
}
