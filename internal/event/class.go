package event

// Class returns the OCSF class_uid of events of type t (schema.ocsf.io, version 1.6).
func (t Type) Class() uint32 {
	classes := [Types]uint32{
		FlowType: 4001, DNSType: 4003, HTTPType: 4002, TLSType: 4001, LogonType: 3002, FileType: 1001,
		MailType: 4009, LeaseType: 4004, ControlType: 4001, AlertType: 2004, SoftwareType: 5020, OtherType: 0,
	}
	if t < Types {
		return classes[t]
	}
	return 0
}
