package eve

import (
	"bytes"
	"strconv"

	"github.com/valyala/fastjson"

	"vedette/internal/event"
)

func (d *decoder) control(protocol string) *event.Control {
	e, c := d.emit.Control(d.head.time)
	d.fill(e)
	c.Protocol = d.emit.Text([]byte(protocol))
	return c
}

// modbus makes an event of a request with its answer.
func (d *decoder) modbus() bool {
	o := d.take("modbus")
	if o == nil {
		return false
	}
	d.over()
	request, response := sub(o, "request"), sub(o, "response")
	c, m := d.control("modbus"), request
	if request != nil {
		c.Request = 1
	} else {
		m = response
	}
	c.Function = d.emit.Text(str(get(m, "function_code")))
	if modbusWrites(m) {
		c.Write = 1
	}
	d.text = append(d.text[:0], "unit "...)
	d.text = strconv.AppendUint(d.text, num(get(m, "unit_id")), 10)
	for _, name := range [...]string{"write", "read"} {
		if r := sub(m, name); get(r, "address") != nil {
			at := num(r.Get("address"))
			d.text = append(append(append(d.text, ", "...), name...), ' ')
			d.text = span(d.text, at, at+max(1, num(r.Get("quantity")))-1)
		}
	}
	c.Target = d.emit.Text(d.text)
	c.Exception = d.emit.Text(str(get(sub(response, "exception"), "code")))
	d.keepAll("modbus", o)
	d.common()
	return true
}

// modbusWrites reports whether a message changes the device: it writes coils or
// registers, restarts the device, silences it, or clears its memory of events.
func modbusWrites(m *fastjson.Object) bool {
	switch num(get(m, "function_raw")) {
	case 5, 6, 15, 16, 21, 22, 23:
		return true
	case 8:
		switch num(get(sub(m, "diagnostic"), "raw")) {
		case 1, 3, 4, 10, 20:
			return true
		}
		return false
	}
	return bytes.Contains(str(get(m, "access_type")), []byte("WRITE"))
}

// dnp3 makes an event of a message. Versions before 8 write one record for the request
// and one for the answer, later ones may put both in one.
func (d *decoder) dnp3() bool {
	o := d.take("dnp3")
	if o == nil {
		return false
	}
	d.over()
	made := false
	for _, name := range [...]string{"request", "response"} {
		if m := sub(o, name); m != nil {
			d.dnp3Message(m, name == "request")
			made = true
		}
	}
	if !made {
		d.dnp3Message(o, string(str(o.Get("type"))) == "request")
	}
	d.common()
	return true
}

func (d *decoder) dnp3Message(o *fastjson.Object, request bool) {
	c := d.control("dnp3")
	if request {
		c.Request = 1
	}
	app := sub(o, "application")
	code := num(get(app, "function_code"))
	name, writes := dnp3Function(code)
	if name == "" {
		d.text = strconv.AppendUint(append(d.text[:0], "function "...), code, 10)
		c.Function = d.emit.Text(d.text)
	} else {
		c.Function = d.emit.Text([]byte(name))
	}
	if writes {
		c.Write = 1
	}
	d.text = strconv.AppendUint(append(d.text[:0], "station "...), num(o.Get("dst")), 10)
	for i, v := range get(app, "objects").GetArray() {
		if i == maxItems {
			break
		}
		d.text = strconv.AppendUint(append(d.text, ", g"...), num(v.Get("group")), 10)
		d.text = strconv.AppendUint(append(d.text, 'v'), num(v.Get("variation")), 10)
		d.text = span(append(d.text, ' '), num(v.Get("start")), num(v.Get("stop")))
	}
	c.Target = d.emit.Text(d.text)
	for _, v := range get(sub(o, "iin"), "indicators").GetArray() {
		switch s := str(v); string(s) {
		case "no_func_code_support", "object_unknown", "parameter_error":
			c.Exception = d.emit.Text(s)
		}
	}
	for _, key := range [...]string{"src", "dst", "control", "iin"} {
		if v := o.Get(key); v != nil {
			d.keep("dnp3", []byte(key), v)
		}
	}
	if v := get(app, "control"); v != nil {
		d.keep("dnp3.application", []byte("control"), v)
	}
}

// dnp3Function returns the name of a function, as IEEE 1815 has it, and whether it
// changes the station.
func dnp3Function(code uint64) (name string, writes bool) {
	names := [...]string{
		"CONFIRM", "READ", "WRITE", "SELECT", "OPERATE", "DIRECT_OPERATE", "DIRECT_OPERATE_NR", "IMMED_FREEZE",
		"IMMED_FREEZE_NR", "FREEZE_CLEAR", "FREEZE_CLEAR_NR", "FREEZE_AT_TIME", "FREEZE_AT_TIME_NR", "COLD_RESTART",
		"WARM_RESTART", "INITIALIZE_DATA", "INITIALIZE_APPL", "START_APPL", "STOP_APPL", "SAVE_CONFIG",
		"ENABLE_UNSOLICITED", "DISABLE_UNSOLICITED", "ASSIGN_CLASS", "DELAY_MEASURE", "RECORD_CURRENT_TIME",
		"OPEN_FILE", "CLOSE_FILE", "DELETE_FILE", "GET_FILE_INFO", "AUTHENTICATE_FILE", "ABORT_FILE", "ACTIVATE_CONFIG",
		"AUTHENTICATE_REQ", "AUTHENTICATE_REQ_NR",
	}
	switch code {
	case 2, 4, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 31:
		writes = true
	case 129:
		return "RESPONSE", false
	case 130:
		return "UNSOLICITED_RESPONSE", false
	case 131:
		return "AUTHENTICATE_RESP", false
	}
	if code < uint64(len(names)) {
		return names[code], writes
	}
	return "", false
}

// enip makes an event of a request with its answer: of the CIP service if there is one,
// else of the command around it. A device that says who it is goes to the inventory.
func (d *decoder) enip() bool {
	o := d.take("enip")
	if o == nil {
		return false
	}
	d.orient(44818, 2222)
	d.over()
	request, response := sub(o, "request"), sub(o, "response")
	m := request
	if m == nil {
		m = response
	}
	cip := sub(m, "cip")
	protocol := "enip"
	if cip != nil {
		protocol = "cip"
	}
	c := d.control(protocol)
	if request != nil {
		c.Request = 1
	}
	function := str(get(cip, "service"))
	if len(function) == 0 {
		function = str(get(m, "command"))
	}
	c.Function = d.emit.Text(function)
	if cipWrites(cip) {
		c.Write = 1
	}
	c.Target = d.emit.Text(d.cipTarget(cip))
	if s := str(get(sub(response, "cip"), "status")); !fine(s) {
		c.Exception = d.emit.Text(s)
	} else if s := str(get(response, "status")); !fine(s) {
		c.Exception = d.emit.Text(s)
	}
	d.keepAll("enip", o)
	d.common()
	d.identity(sub(response, "identity"))
	return true
}

// fine reports whether the answer is no refusal.
func fine(status []byte) bool {
	switch string(status) {
	case "", "success", "Success", "SUCCESS":
		return true
	}
	return false
}

// cipWrites reports whether a service, or one of several in one message, changes the
// device.
func cipWrites(cip *fastjson.Object) bool {
	if cipWriter(str(get(cip, "service"))) {
		return true
	}
	for _, v := range get(cip, "multiple").GetArray() {
		if cipWriter(v.GetStringBytes("service")) {
			return true
		}
	}
	return false
}

func cipWriter(service []byte) bool {
	var buf [64]byte
	s := append(buf[:0], service[:min(len(service), len(buf))]...)
	for i, c := range s {
		if 'A' <= c && c <= 'Z' {
			s[i] = c + 'a' - 'A'
		}
	}
	for _, word := range [...]string{"set_att", "set att", "setatt", "reset", "start", "stop", "create", "delete", "apply", "save", "restore", "write", "insert", "remove"} {
		if bytes.HasPrefix(s, []byte(word)) || bytes.Contains(s, []byte("write")) {
			return true
		}
	}
	return false
}

// cipTarget returns the class and path of the object.
func (d *decoder) cipTarget(cip *fastjson.Object) []byte {
	d.text = append(d.text[:0], str(get(cip, "class_name"))...)
	for i, v := range get(cip, "path").GetArray() {
		if i == maxItems {
			break
		}
		if len(d.text) > 0 {
			d.text = append(d.text, ' ')
		}
		d.text = append(append(d.text, v.GetStringBytes("segment_type")...), ' ')
		d.text = strconv.AppendUint(d.text, num(v.Get("value")), 10)
	}
	return d.text
}

// identity makes an inventory entry of what a device says that it is.
func (d *decoder) identity(o *fastjson.Object) {
	name := str(get(o, "product_name"))
	if len(name) == 0 {
		return
	}
	d.turn() // the device is the server
	e, s := d.emit.Software(d.head.time)
	d.fill(e)
	s.Kind = d.emit.Text([]byte("model"))
	s.Name = d.emit.Text(name)
	s.Version = d.emit.Text(str(o.Get("revision")))
	s.Vendor = d.emit.Text(str(o.Get("vendor_id")))
}
