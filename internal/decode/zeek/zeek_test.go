package zeek

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vedette/internal/decode"
	"vedette/internal/decode/decodetest"
	"vedette/internal/event"
)

func connLog() string {
	return connHeader + strings.Join(connTSV, "\n") + "\n#close\t2024-04-21-06-00-00\n"
}

func TestRun(t *testing.T) {
	for name, log := range map[string]string{
		"columns": connLog(), "json": strings.Join(connJSON, "\n") + "\n", "dns": strings.Join(dnsJSON, "\n"),
		"all": string(samples(t)),
	} {
		t.Run(name, func(t *testing.T) { decodetest.Run(t, Kind, []byte(log)) })
	}
}

func FuzzDecode(f *testing.F) {
	seeds := bytes.SplitAfter(samples(f), []byte("\n"))
	for _, s := range seeds[: len(seeds)-1 : len(seeds)-1] {
		seeds = append(seeds, []byte(columnsOf(ordered(f, s))))
	}
	decodetest.Fuzz(f, Kind, append(seeds, []byte(connLog()), []byte(strings.Join(connJSON, "\n")),
		[]byte("#separator \\x2c\n#fields,ts,uid,a\n1.5,C1,x\n"), []byte(`{"ts":1,"uid":"C","a":[[{"b":1}]],"id":{"orig_h":"::1"}}`))...)
}

func TestConn(t *testing.T) {
	want := `flow zeek/conn at 1713740403689329000
  subject device ip 10.1.2.3 port 51234 local true
  object device ip 203.0.113.9 port 443 local false
  linked
  trust 1
  Protocol "tcp"
  Service "ssl"
  State "SF"
  History "ShADadFf"
  BytesOut 1532
  BytesIn 48211
  PacketsOut 22
  PacketsIn 41
  Duration 12345678000
  Outcome 1
  Number 6
`
	if got := events(t, connHeader+connTSV[0]); got != want {
		t.Error(got)
	}
	for i := range connJSON {
		if a, b := plainBatch(t, []byte(connHeader+connTSV[i])), plainBatch(t, []byte(connJSON[i])); !bytes.Equal(a, b) {
			t.Errorf("the syntaxes of record %d differ\n%s\n%s", i, events(t, connHeader+connTSV[i]), events(t, connJSON[i]))
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		state, protocol, more string
		want                  event.Outcome
		trust                 event.Trust
	}{
		{"SF", "tcp", "", event.Established, event.Handshake},
		{"S1", "tcp", "", event.Established, event.Handshake},
		{"RSTR", "tcp", "", event.Established, event.Handshake},
		{"S0", "tcp", "", event.Unanswered, event.Claimed},
		{"SH", "tcp", "", event.Unanswered, event.Claimed},
		{"RSTOS0", "tcp", "", event.Unanswered, event.Claimed},
		{"REJ", "tcp", "", event.Refused, event.Claimed},
		{"RSTRH", "tcp", "", event.Refused, event.Claimed},
		{"SHR", "tcp", "", event.Established, event.Claimed},
		{"OTH", "tcp", "", event.UnknownOutcome, event.Claimed},
		{"OTH", "tcp", `,"resp_pkts":3`, event.Established, event.Claimed},
		{"SF", "udp", "", event.Established, event.Claimed},
		{"S0", "udp", "", event.Unanswered, event.Claimed},
		{"OTH", "icmp", `,"id.orig_h":"192.0.2.1","id.orig_p":8,"id.resp_h":"192.0.2.2","id.resp_p":0`, event.Unanswered, event.Claimed},
		{"OTH", "icmp", `,"id.orig_h":"192.0.2.1","id.orig_p":3,"id.resp_h":"192.0.2.2","id.resp_p":3`, event.UnknownOutcome, event.Claimed},
		{"OTH", "icmp", `,"id.orig_h":"192.0.2.1","id.orig_p":8,"resp_pkts":1`, event.Established, event.Claimed},
	} {
		line := fmt.Sprintf(`{"_path":"conn","ts":1.5,"proto":%q,"conn_state":%q%s}`, c.protocol, c.state, c.more)
		r := decodetest.Decode(t, Kind, []byte(line))
		v := event.View{Batch: r.Batch}
		if got := v.Flow().Outcome; got != c.want || v.Record().Trust != c.trust || v.Head().Subject.Port != 0 {
			t.Errorf("%s: outcome %d, want %d; trust %d; port %d", line, got, c.want, v.Record().Trust, v.Head().Subject.Port)
		}
	}
}

func TestTime(t *testing.T) {
	for in, want := range map[string]int64{
		"1713740391.343651": 1713740391343651000, "1713740391": 1713740391000000000, "1713740391.1": 1713740391100000000,
		"1713740391.123456789": 1713740391123456789, "1713740391.1234567899": 1713740391123456789, "0.000001": 1000,
		"1713740391343": 1713740391343000000, "2018-03-24T17:15:20.600725Z": 1521911720600725000,
		"2018-03-24T19:15:20.600725+02:00": 1521911720600725000, "2018-03-24T12:45:20-0430": 1521911720000000000,
		"2000-02-29T00:00:00Z": 951782400000000000, "1.7e9": 1700000000000000000,
		"0": 0, "-1.5": 0, "": 0, "x": 0, "1.2.3": 0, "7258118400": 0, "99999999999": 0, "99999999999999999999999": 0, "2018-13-01T00:00:00Z": 0,
		"1969-12-31T23:59:59Z": 0, "2300-01-01T00:00:00Z": 0, "2018-03-24T17:15:20+2": 0, "1713740391 ": 0, "9e99": 0, "nan": 0,
	} {
		if got, ok := moment([]byte(in)); got*int64(b2i(ok)) != want {
			t.Errorf("%q: %d %v, want %d", in, got, ok, want)
		}
	}
	for day := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2200; day = day.AddDate(0, 0, 13) {
		y, m, d := day.Date()
		if got := days(int64(y), int64(m), int64(d)); got*86400 != day.Unix() {
			t.Fatalf("%v is day %d, not %d", day, day.Unix()/86400, got)
		}
	}
	for _, line := range []string{
		`{"_path":"conn","uid":"C1"}`, `{"_path":"conn","ts":0,"uid":"C1"}`, `{"_path":"conn","ts":-5.5}`, `{"_path":"conn","ts":"soon"}`,
		`{"_path":"conn","ts":7258118399.0,"duration":10.0,"uid":"C1"}`,
	} {
		if got := events(t, line); got != "rejected 1: "+string(decode.NoTime)+"\n" {
			t.Errorf("%s: %s", line, got)
		}
	}
	if got := events(t, `{"_path":"weird","_write_ts":"2018-03-24T17:15:20.5Z","name":"x"}`); !strings.HasPrefix(got, "other zeek/weird at 1521911720500000000") {
		t.Error(got)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAddress(t *testing.T) {
	for _, in := range []string{
		"1.2.3.4", "255.255.255.255", "0.0.0.0", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.", ".1.2.3", "a.b.c.d",
		"::", "::1", "1::", "fe80::1CF4:44d2:904a:14f7", "2001:db8:0:0:0:0:0:1", "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7", "1::2::3", ":1", "1:", ":::", "12345::", "::ffff:1.2.3.4", "::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
		"::1.2.3", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "fe80::1%eth0", "g::", "", "-", "::1.2.3.4:5",
	} {
		want := ""
		if a, err := netip.ParseAddr(in); err == nil && a.Zone() == "" {
			want = a.Unmap().String()
		}
		var buf [48]byte
		if got := string(address(buf[:0], []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := events(t, `{"_path":"conn","ts":1.5,"id.orig_h":"nowhere","id.resp_h":"1.2.3.4"}`); got != "rejected 1: "+string(badAddress)+"\n" {
		t.Error(got)
	}
	if got := events(t, `{"_path":"dns","ts":1.5,"id.orig_h":"1.2.3.4","id.orig_p":65536}`); got != "rejected 1: "+string(badAddress)+"\n" {
		t.Error(got)
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("1.2.3.4")
	f.Add("2001:db8::1")
	f.Fuzz(func(t *testing.T, in string) {
		want := ""
		if a, err := netip.ParseAddr(in); err == nil && a.Zone() == "" {
			want = a.Unmap().String()
		}
		var buf [48]byte
		if got := string(address(buf[:0], []byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	})
}

func TestHeader(t *testing.T) {
	const other = "other zeek/thing at 1500000000\n"
	for _, c := range []struct{ name, in, want string }{
		{
			"own_separators", "#separator \\x7c\\x7c\n#set_separator||;\n#empty_field||EMPTY\n#unset_field||NONE\n#path||thing\n#fields||ts||a||b||c\n#types||time||set[string]||string||string\n1.5||x;y\\x3bz||EMPTY||NONE\n",
			other + "  + a = \"x,y;z\"\n",
		},
		{
			"other_columns_later", "#separator \\x09\n#path\tthing\n#fields\tts\ta\n1.5\tx\n#fields\tts\tb\ta\n1.5\ty\tz\n",
			other + "  + a = \"x\"\n" + other + "  + b = \"y\"\n  + a = \"z\"\n",
		},
		{"other_log_later", "#path\tthing\n#fields\tts\ta\n1.5\tx\n#separator \\x09\n1.5\tx\n", other + "  + a = \"x\"\nrejected 1: " + string(decode.NoHeader) + "\n"},
		{"no_header", "1.5\tx\n", "rejected 1: " + string(decode.NoHeader) + "\n"},
		{"too_few", "#path\tthing\n#fields\tts\ta\tb\n1.5\tx\n", "rejected 1: " + string(decode.WrongShape) + "\n"},
		{"too_many", "#path\tthing\n#fields\tts\ta\n1.5\tx\ty\n", "rejected 1: " + string(decode.WrongShape) + "\n"},
		{"escapes", "#path\tthing\n#fields\tts\ta\tb\n1.5\t\\x2d\t\\x23\\x09\\xc3\\xa4\\\\x\n", other + "  + a = \"-\"\n  + b = \"#\\tä\\\\x\"\n"},
		{"types", "#path\tthing\n#fields\tts\ta\tb\tc\n#types\ttime\tbool\tdouble\tinterval\n1.5\tT\t2.500000\t3.000000\n", other + "  + a = \"true\"\n  + b = \"2.5\"\n  + c = \"3\"\n"},
		{
			"stratosphere", "#path\tthing\n#fields\tts\ta\ttunnel_parents   label   detailed-label\n#types\ttime\tstring\tset[string]   string   string\n1.5\tx\t(empty)   Malicious   C&C and more\n1.5\tx\t-   Benign   -\n",
			other + "  + a = \"x\"\n  + label = \"Malicious\"\n  + detailed-label = \"C&C and more\"\n" + other + "  + a = \"x\"\n  + label = \"Benign\"\n",
		},
		{"no_path", "#fields\tts\tuid\tconn_state\n1.5\tC1\tSF\n", "flow zeek/conn at 1500000000\n  linked\n  State \"SF\"\n  Outcome 1\n"},
		{"windows_lines", "#path\tthing\r\n#fields\tts\ta\r\n1.5\tx\r\n", other + "  + a = \"x\"\n"},
		{"strange_path", "#path\tconn/../x y\n#fields\tts\ta\n1.5\tx\n", "other zeek/other at 1500000000\n  + a = \"x\"\n"},
		{"path_of_a_file", "#path\t/var/log/thing\n#fields\tts\ta\n1.5\tx\n", other + "  + a = \"x\"\n"},
		{"renamed", "#path\tconn-internal\n#fields\tts\tconn_state\n1.5\tS0\n", "flow zeek/conn-internal at 1500000000\n  State \"S0\"\n  Outcome 2\n"},
		{"reduced", "#path\tconn_red\n#fields\tts\tconn_state\n1.5\tS0\n", "flow zeek/conn_red at 1500000000\n  State \"S0\"\n  Outcome 2\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := events(t, c.in); got != c.want {
				t.Errorf("got\n%s, want\n%s", got, c.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	const other = "other zeek/thing at 1500000000\n"
	for _, c := range []struct{ name, in, want string }{
		{"escapes", `{"_path":"thing","ts":1.5,"a":"\"\\\/\b\u00e4\ud83d\ude00\ud800x\q","b\u0041":"c"}`, other + "  + a = \"\\\"\\\\/\\bä😀\ufffdxq\"\n  + bA = \"c\"\n"},
		{"unset", `{"_path":"thing","ts":1.5,"a":null,"b":"","c":[],"d":[null,""],"e":{},"f":[ ]}`, other[:len(other)-1] + "\n"},
		{"nested", `{"_path":"thing","ts":1.5,"a":{"b":{"c":1},"d":"x"},"e":2}`, other + "  + a.b.c = \"1\"\n  + a.d = \"x\"\n  + e = \"2\"\n"},
		{"objects_in_lists_are_content", `{"_path":"thing","ts":1.5,"a":[{"b":"secret"}]}`, other + "  + a = \"blinded 16\"\n"},
		{"twice", `{"_path":"thing","ts":1.5,"ts":2.5}`, other},
		{"sensitive", `{"_path":"thing","ts":1.5,"api_token":"t0k","x":{"uri":"/patient/doe"}}`, other + "  + api_token = \"blinded 3\"\n  + x.uri = \"blinded 12\"\n"},
		{"numbers", `{"_path":"thing","ts":1.5,"a":600.0,"b":0.0250,"c":1e-05,"d":-3,"e":18446744073709551615}`, other + "  + a = \"600\"\n  + b = \"0.025\"\n  + c = \"1e-05\"\n  + d = \"-3\"\n  + e = \"18446744073709551615\"\n"},
		{"a_count_that_is_none_stays", `{"_path":"conn","ts":1.5,"orig_bytes":"many"}`, "flow zeek/conn at 1500000000\n  + orig_bytes = \"many\"\n"},
		{"unknown_log", `{"ts":1.5,"uid":"C1","foo":"bar"}`, "other zeek/other at 1500000000\n  linked\n  + foo = \"bar\"\n"},
		{"not_zeek", `{"ts":1.5,"level":"info","msg":"started"}`, "rejected 1: " + string(noLog) + "\n"},
		{"cut", `{"_path":"thing","ts":1.5,"a":"x`, "rejected 1: " + string(decode.NotJSON) + "\n"},
		{"more_behind", `{"_path":"thing","ts":1.5} {}`, "rejected 1: " + string(decode.NotJSON) + "\n"},
		{"scripts", `{"name":"/x/y.zeek"}`, "\n"},
		{"name_alone", `{"name":"Jane"}`, "rejected 1: " + string(noLog) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := events(t, c.in); got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
		})
	}
}

// TestGuess checks that a record tells its log by its fields alone.
func TestGuess(t *testing.T) {
	guessed := 0
	for line := range bytes.Lines(samples(t)) {
		fields := ordered(t, line)
		path := string(fields[0].value)
		rest := spacedJSON(fields[1:])
		r := decodetest.Decode(t, Kind, []byte(rest))
		if len(r.Batch.Events) == 0 {
			continue
		}
		v := event.View{Batch: r.Batch}
		if got := v.String(v.Head().Dataset); got == "zeek/"+strings.Trim(path, `"`) {
			guessed++
		} else if w := decodetest.Decode(t, Kind, line); v.Head().Type != w.Batch.Events[0].Type && got != "zeek/other" {
			t.Errorf("%.200s is taken for %s", line, got)
		}
	}
	if guessed < 90 {
		t.Errorf("only %d records tell their log", guessed)
	}
}

func TestSniff(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		want bool
	}{
		"columns": {connHeader, true}, "json": {connJSON[0], true}, "no_path": {`{"ts":1.5,"uid":"C1","id.orig_h":"1.2.3.4","proto":"tcp","conn_state":"SF"}`, true},
		"comment_first": {"### made by btest\n" + connLog(), true},
		"eve":           {`{"timestamp":"2021-06-06T15:59:46.457984+0200","flow_id":1,"event_type":"dns","src_ip":"1.2.3.4","proto":"UDP"}`, false},
		"other_json":    {`{"ts":1700000000.5,"level":"info","logger":"x","msg":"started","caller":"main.go:1"}`, false},
		"iis":           {"#Software: Microsoft\n#Fields: date time s-ip\n2024-01-01 00:00:00 1.2.3.4\n", false},
		"text":          {"hello\n", false}, "empty": {"", false}, "brace": {"{", false},
	} {
		if got := Kind.Sniff([]byte(c.head)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestHostile checks input that is made to hurt.
func TestHostile(t *testing.T) {
	many := func(n int, f func(i int) string) string {
		var s strings.Builder
		for i := range n {
			s.WriteString(f(i))
		}
		return s.String()
	}
	for name, in := range map[string]string{
		"columns":        "#path\tthing\n#fields\tts" + many(100_000, func(i int) string { return fmt.Sprintf("\tc%d", i) }) + "\n1.5" + strings.Repeat("\tx", 100_000) + "\n",
		"keys":           `{"_path":"thing","ts":1.5` + many(50_000, func(i int) string { return fmt.Sprintf(`,"k%d":%d`, i, i) }) + "}",
		"elements":       `{"_path":"thing","ts":1.5,"a":["` + strings.Repeat(`x\n","`, 100_000) + `"]}`,
		"answers":        `{"_path":"dns","ts":1.5,"answers":[` + strings.Repeat(`"x",`, 100_000) + `"y"]}`,
		"long":           `{"_path":"http","ts":1.5,"user_agent":"` + strings.Repeat("A", 1_000_000) + `"}`,
		"deep_objects":   strings.Repeat(`{"a":`, 200_000),
		"deep_lists":     `{"a":` + strings.Repeat("[", 500_000),
		"deep_names":     `{"ts":1.5,` + strings.Repeat(`"`+strings.Repeat("n", 10_000)+`":{`, 60),
		"long_names":     `{"ts":1.5,"` + strings.Repeat("n", 4000) + `":{` + strings.Repeat(`"a":1,`, 170_000) + `"b":2}}`,
		"not_utf8":       "{\"_path\":\"http\",\"ts\":1.5,\"host\":\"\xff\xfe\",\"user_agent\":\"\xc3\x28\",\"\xff\":\"\xff\"}",
		"zero_bytes":     "{\"_path\":\"conn\x00\",\"ts\":1.5,\"a\x00\":\"\x00\"}\n\x00\x00\x00\n",
		"no_separator":   "#separator \n#separator\n#fields\n#fields\t\n#types\t\n#path\n1.5\n",
		"types_lie":      "#path\tconn\n#fields\tts\tuid\tservice\tlocal_orig\n#types\tbool\tset[string]\tinterval\tcount\ttime\n1.5\tC1,C2\tssl\tT\n",
		"many_logs":      many(2000, func(i int) string { return fmt.Sprintf("{\"_path\":\"p%d\",\"ts\":1.5}\n", i) }),
		"backslashes":    "#path\tthing\n#fields\tts\ta\n1.5\t" + strings.Repeat(`\`, 100_001) + "\n{\"ts\":1.5,\"_path\":\"x\",\"a\":\"" + strings.Repeat(`\`, 100_001),
		"half_surrogate": `{"_path":"thing","ts":1.5,"a":"\ud83d\u00e4\ud8","b":"\u"}`,
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			r := decodetest.Decode(t, Kind, []byte(in))
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("took %v", d)
			}
			for i := range r.Batch.Events {
				_ = describe(event.View{Batch: r.Batch, I: i})
			}
			Kind.Sniff([]byte(in[:min(len(in), decode.HeadSize)]))
		})
	}
	for _, in := range []string{strings.Repeat(`{"a":`, 200), `{"a":` + strings.Repeat("[", 200)} {
		if got := events(t, in); got != "rejected 1: "+string(tooDeep)+"\n" {
			t.Error(got)
		}
	}
}

// TestRedaction checks that what is protected never reaches a batch, in any log.
func TestRedaction(t *testing.T) {
	const secret = "Doe_Jane_19670412"
	fields := []string{
		"uri", "filename", "subject", "password", "cookie", "arg", "url", "extracted", "payload", "msg", "sub", "sub_msg", "event_msg", "body",
		"failure_data", "addl", "request_from", "response_to", "prev_name", "frontend_arg", "argument", "community", "will_payload",
		"post_body", "session_key_string", "cmd.value", "cmd.key", "reply.value", "to", "cc", "orig_filenames", "resp_filenames", "file_desc",
	}
	for _, log := range logs() {
		for _, field := range fields {
			if field == "cookie" && log.path == "rdp" || field == "subject" && (log.path == "ssl" || log.path == "known_certs") || field == "arg" && log.path == "mysql" {
				continue // the user, and a certificate's subject
			}
			for _, value := range []string{`"` + secret + `"`, `["` + secret + `"]`, `"/studies/` + secret + `/x.dcm?name=` + secret + `"`} {
				line := fmt.Sprintf(`{"_path":%q,"ts":1.5,"uid":"C1","command":"RETR","note":"HTTP::X","name":"weird_name",%q:%s}`, log.path, field, value)
				r := decodetest.Decode(t, Kind, []byte(line))
				if b := r.Batch.Append(nil); bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s keeps %s", log.path, line)
				}
			}
		}
	}
	for _, line := range []string{
		`{"_path":"http","ts":1.5,"referrer":"http://user:` + secret + `@h.example/p/` + secret + `","username":"` + secret + `"}`,
		`{"_path":"smb_files","ts":1.5,"action":"SMB::FILE_OPEN","name":"` + secret + `.docx"}`,
		`{"_path":"ftp","ts":1.5,"command":"STOR","arg":"ftp://h/` + secret + `.pdf","reply_msg":"Transfer of ` + secret + `"}`,
		`{"_path":"ftp","ts":1.5,"command":"PASS","user":"u","arg":"` + secret + `","password":"` + secret + `"}`,
		`{"_path":"syslog","ts":1.5,"uid":"C1","message":"patient ` + secret + `"}`,
		`{"_path":"intel","ts":1.5,"seen.indicator":"h/` + secret + `","seen.indicator_type":"Intel::URL"}`,
		`{"_path":"mysql","ts":1.5,"uid":"C1","cmd":"query","arg":"` + secret + `","response":"` + secret + `"}`,
		`{"_path":"redis","ts":1.5,"uid":"C1","cmd.name":"AUTH","cmd.value":"` + secret + `"}`,
		`{"_path":"ldap","ts":1.5,"uid":"C1","opcode":"bind simple","argument":"` + secret + `"}`,
		`{"_path":"smtp","ts":1.5,"from":"\"` + secret + `\" <a@b.c>","to":["` + secret + ` <x@y.z>"],"subject":"` + secret + `","last_reply":"250 ` + secret + `"}`,
	} {
		r := decodetest.Decode(t, Kind, []byte(line))
		if len(r.Batch.Events) != 1 || bytes.Contains(r.Batch.Append(nil), []byte(secret)) {
			t.Errorf("keeps %s\n%s", line, events(t, line))
		}
	}
}

// FuzzJSON compares the reader with encoding/json: what that takes, this takes, with the
// same fields.
func FuzzJSON(f *testing.F) {
	for _, s := range append(append([]string{}, connJSON...), dnsJSON...) {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"a":{"b":[1,"x",null,true,[]],"c":"\u00e4\n"},"":{"":1}}`))
	d := newDecoder()
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.TrimSpace(data)
		if !json.Valid(data) || !utf8.Valid(data) || data[0] != '{' {
			_ = d.read(data)
			return
		}
		if err := d.read(data); err == tooDeep {
			return
		} else if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		want := flat(t, data)
		r := &d.record
		stray := 0
		for i := range r.fields {
			name := r.names.names[r.fields[i].column]
			if r.fields[i].column == unknown {
				name = r.strays[stray]
				stray++
			}
			if len(r.fields) < maxUnknown && !slicesContain(want[string(name)], r.value(&r.fields[i])) {
				t.Fatalf("%q: %q is %q, want one of %q", data, name, r.value(&r.fields[i]), want[string(name)])
			}
		}
	})
}

// TestTold has the time that is said beside a record count where the record has none.
func TestTold(t *testing.T) {
	const told = int64(1_700_000_000_000_000_000)
	for _, test := range []struct {
		name, line string
		told, want int64
	}{
		{"own", `{"_path":"dns","ts":1600000000.5,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","query":"a.example"}`, told, 1_600_000_000_500_000_000},
		{"told", `{"_path":"dns","id.orig_h":"10.0.0.1","id.orig_p":1,"id.resp_h":"10.0.0.2","id.resp_p":53,"proto":"udp","query":"a.example"}`, told, told},
		{"none", `{"_path":"dns","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","query":"a.example"}`, 0, 0},
		{"absurd", `{"_path":"dns","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","query":"a.example"}`, -1 << 63, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b event.Batch
			emit := event.NewEmit([]byte("key"))
			emit.Source(&b, "t", "s", "x")
			emit.Begin(1, event.Claimed, []byte(test.line))
			emit.Tell(test.told)
			err := Kind.New()([]byte(test.line), emit)
			if test.want == 0 {
				if err != decode.NoTime {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(b.Events) != 1 || b.Events[0].Time != test.want {
				t.Errorf("%v, %+v", err, b.Events)
			}
		})
	}
}
