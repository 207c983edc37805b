package zeek

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"vedette/internal/decode"
)

func splitLines(s string) []string {
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

const connHeader = `#separator \x09
#set_separator	,
#empty_field	(empty)
#unset_field	-
#path	conn
#open	2024-04-21-05-00-00
#fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	orig_bytes	resp_bytes	conn_state	local_orig	local_resp	missed_bytes	history	orig_pkts	orig_ip_bytes	resp_pkts	resp_ip_bytes	tunnel_parents
#types	time	string	addr	port	addr	port	enum	string	interval	count	count	string	bool	bool	count	string	count	count	count	count	set[string]
`

// connTSV and connJSON are the same records.
var connTSV = []string{
	"1713740391.343651\tCqKst53mF3det3eDV9\t10.1.2.3\t51234\t203.0.113.9\t443\ttcp\tssl\t12.345678\t1532\t48211\tSF\tT\tF\t0\tShADadFf\t22\t2688\t41\t50351\t(empty)",
	"1713740392.000001\tCXk1wE3L2nNn7iQ2bf\t10.1.2.77\t60112\t10.1.2.53\t53\tudp\tdns\t0.000870\t44\t120\tSF\tT\tT\t0\tDd\t1\t72\t1\t148\t-",
	"1713740393.999999\tCaP4ru1cSGYQWDTQq2\t2001:db8::17\t40000\t2001:db8::1\t22\ttcp\t-\t-\t-\t-\tS0\tF\tT\t0\tS\t1\t60\t0\t0\tCtun1,Ctun2",
	"1713740394.500000\tC4BwXr2UphCzPS9BWe\t10.1.2.3\t51240\t198.51.100.7\t8443\ttcp\t-\t0.031250\t0\t0\tREJ\tT\tF\t0\tSr\t1\t60\t1\t40\t-",
}

var connJSON = []string{
	`{"_path":"conn","ts":1713740391.343651,"uid":"CqKst53mF3det3eDV9","id.orig_h":"10.1.2.3","id.orig_p":51234,"id.resp_h":"203.0.113.9","id.resp_p":443,"proto":"tcp","service":"ssl","duration":12.345678,"orig_bytes":1532,"resp_bytes":48211,"conn_state":"SF","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"ShADadFf","orig_pkts":22,"orig_ip_bytes":2688,"resp_pkts":41,"resp_ip_bytes":50351,"tunnel_parents":[]}`,
	`{"_path":"conn","ts":1713740392.000001,"uid":"CXk1wE3L2nNn7iQ2bf","id.orig_h":"10.1.2.77","id.orig_p":60112,"id.resp_h":"10.1.2.53","id.resp_p":53,"proto":"udp","service":"dns","duration":0.00087,"orig_bytes":44,"resp_bytes":120,"conn_state":"SF","local_orig":true,"local_resp":true,"missed_bytes":0,"history":"Dd","orig_pkts":1,"orig_ip_bytes":72,"resp_pkts":1,"resp_ip_bytes":148}`,
	`{"_path":"conn","ts":1713740393.999999,"uid":"CaP4ru1cSGYQWDTQq2","id.orig_h":"2001:db8::17","id.orig_p":40000,"id.resp_h":"2001:db8::1","id.resp_p":22,"proto":"tcp","conn_state":"S0","local_orig":false,"local_resp":true,"missed_bytes":0,"history":"S","orig_pkts":1,"orig_ip_bytes":60,"resp_pkts":0,"resp_ip_bytes":0,"tunnel_parents":["Ctun1","Ctun2"]}`,
	`{"_path":"conn","ts":1713740394.5,"uid":"C4BwXr2UphCzPS9BWe","id.orig_h":"10.1.2.3","id.orig_p":51240,"id.resp_h":"198.51.100.7","id.resp_p":8443,"proto":"tcp","duration":0.03125,"orig_bytes":0,"resp_bytes":0,"conn_state":"REJ","local_orig":true,"local_resp":false,"missed_bytes":0,"history":"Sr","orig_pkts":1,"orig_ip_bytes":60,"resp_pkts":1,"resp_ip_bytes":40}`,
}

var dnsJSON = []string{
	`{"_path":"dns","_write_ts":"2018-03-24T17:15:20.866586Z","ts":"2018-03-24T17:15:20.865716Z","uid":"CqKst53mF3det3eDV9","id.orig_h":"10.47.1.100","id.orig_p":41772,"id.resp_h":"10.0.0.100","id.resp_p":53,"proto":"udp","trans_id":36329,"rtt":0.0008699893951416016,"query":"ise.wrccdc.org","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,"answers":["ise.wrccdc.cpp.edu","134.71.3.16"],"TTLs":[2230.0,41830.0],"rejected":false}`,
	`{"_path":"dns","ts":1713740391.343651,"uid":"CTudTc7oyRltJwU32","id.orig_h":"10.0.2.15","id.orig_p":54330,"id.resp_h":"147.32.80.9","id.resp_p":53,"proto":"udp","trans_id":31185,"query":"Isatap.Felk.cvut.cz.","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":3,"rcode_name":"NXDOMAIN","AA":false,"TC":false,"RD":true,"RA":false,"Z":0,"rejected":false}`,
}

func itoa(n int) string { return strconv.Itoa(n) }

// read reads a JSON line into the record, and no further.
func (d *decoder) read(data []byte) error {
	d.record.reset(nil, data)
	if len(data) == 0 || data[0] != '{' {
		return decode.NotJSON
	}
	return d.json.read(data)
}

// flat returns the fields of an object as encoding/json reads them: by dotted name, with
// all the values that the name has.
func flat(t *testing.T, data []byte) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	var walk func(d *json.Decoder, prefix string)
	walk = func(d *json.Decoder, prefix string) {
		_, _ = d.Token() // {
		for d.More() {
			k, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			name := prefix + k.(string)
			var raw json.RawMessage
			if err := d.Decode(&raw); err != nil {
				t.Fatal(err)
			}
			if raw[0] == '{' {
				inner := json.NewDecoder(bytes.NewReader(raw))
				walk(inner, name+".")
				continue
			}
			all[name] = append(all[name], flatValue(raw))
		}
	}
	walk(json.NewDecoder(bytes.NewReader(data)), "")
	return all
}

func flatValue(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		var s string
		_ = json.Unmarshal(raw, &s)
		return s
	case '[':
		var all []json.RawMessage
		_ = json.Unmarshal(raw, &all)
		var parts []string
		for _, e := range all {
			if e[0] == '[' || e[0] == '{' {
				return string(raw)
			}
			if v := flatValue(e); v != "" {
				parts = append(parts, v)
			}
		}
		return strings.Join(parts, ",")
	case 'n':
		return ""
	}
	if bytes.IndexByte(raw, '.') >= 0 {
		return string(trimZeros(raw))
	}
	return string(raw)
}

// slicesContain compares as text: encoding/json replaces what is no UTF-8.
func slicesContain(all []string, v []byte) bool {
	for _, s := range all {
		if strings.ToValidUTF8(s, "?") == strings.ToValidUTF8(string(v), "?") || strings.Contains(s, "\ufffd") {
			return true
		}
	}
	return false
}
