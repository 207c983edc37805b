package zeek

import (
	"vedette/internal/entity"
	"vedette/internal/event"
)

// inventory lends an entry about the machine whose address a column has.
func (r *record) inventory(at int64, kind string, host, port column) (*event.Software, error) {
	h, s := r.emit.Software(at)
	r.base(h)
	var ok bool
	if h.Subject, ok = r.endpoint(host, port); !ok {
		return nil, badAddress
	}
	s.Kind = r.emit.Text([]byte(kind))
	return s, nil
}

func software(r *record, at int64) error {
	s, err := r.inventory(at, "", cHost, cHostP)
	if err != nil {
		return err
	}
	s.Kind, s.Name = r.put(cSoftwareType), r.put(cName)
	version := r.text(cVersionMajor)
	for _, c := range [...]column{cVersionMinor, cVersionMinor2, cVersionMinor3} {
		if v := r.text(c); len(v) > 0 {
			version = r.join(version, '.', v)
		}
	}
	if v := r.text(cVersionAddl); len(v) > 0 {
		version = r.join(version, '-', v)
	}
	s.Version = r.emit.Text(version)
	return nil
}

func knownHosts(r *record, at int64) error {
	_, err := r.inventory(at, "host", cHost, cHostP)
	return err
}

func knownServices(r *record, at int64) error {
	s, err := r.inventory(at, "service", cHost, cPortNum)
	if err != nil {
		return err
	}
	s.Name = r.lowerRef(cService)
	return nil
}

func knownCerts(r *record, at int64) error {
	s, err := r.inventory(at, "certificate", cHost, cPortNum)
	if err != nil {
		return err
	}
	s.Name, s.Vendor = r.put(cSubject), r.put(cIssuerSubject)
	return nil
}

func knownModbus(r *record, at int64) error {
	s, err := r.inventory(at, "modbus", cHost, cHostP)
	if err != nil {
		return err
	}
	s.Name = r.put(cDeviceType)
	return nil
}

func knownDevices(r *record, at int64) error {
	h, s := r.emit.Software(at)
	r.base(h)
	var buf [17]byte
	if m := mac(buf[:0], r.peek(cMAC)); m != nil {
		r.drop(cMAC)
		h.Subject = r.emit.Entity(entity.Device, entity.MAC, m)
	}
	s.Kind, s.Name = r.emit.Text([]byte("device")), r.lowerRef(cDHCPHostName)
	return nil
}

// speaker is inventory of the machine that says something about itself in a connection:
// the message's source where the parser gives it, and else the server.
func (r *record) speaker(at int64, kind string) (*event.Software, error) {
	host, port := cRespH, cRespP
	if r.has(cSourceH) {
		host, port = cSourceH, cSourceP
	}
	s, err := r.inventory(at, kind, host, port)
	r.drop(cOrigH, cOrigP, cRespH, cRespP, cIsOrig, cSourceH, cSourceP, cDestinationH, cDestinationP)
	return s, err
}

func cipIdentity(r *record, at int64) error {
	s, err := r.speaker(at, "model")
	if err != nil {
		return err
	}
	s.Name, s.Version, s.Vendor = r.put(cProductName), r.put(cRevision), r.put(cVendorName)
	return nil
}

func s7Devices(r *record, at int64) error {
	s, err := r.speaker(at, "model")
	if err != nil {
		return err
	}
	s.Name, s.Vendor = r.put(cModuleName), r.emit.Text([]byte("Siemens"))
	return nil
}

// ecatDevice is of a network without addresses.
func ecatDevice(r *record, at int64) error {
	h, s := r.emit.Software(at)
	r.base(h)
	s.Kind, s.Name, s.Version = r.emit.Text([]byte("model")), r.put(cDevType), r.put(cRevision)
	return nil
}

// bacnetDiscovery is machines that say what they are, and others that ask for them.
func bacnetDiscovery(r *record, at int64) error {
	switch string(r.peek(cPduService)) {
	case "i-am", "i_am", "i-have", "i_have":
	default:
		return controlLog{protocol: "bacnet", function: []column{cPduService}, target: []column{cObjectType, cInstanceNumber, cRange}}.make(r, at)
	}
	s, err := r.speaker(at, "bacnet")
	if err != nil {
		return err
	}
	s.Name = r.emit.Text(r.words(cObjectType, cInstanceNumber))
	s.Vendor = r.put(cVendor)
	return nil
}
