package eve

import (
	"bytes"
	"strings"
	"testing"

	"vedette/internal/decode/decodetest"
)

// TestNothingProtectedIsKept puts a mark where content, secrets and names of people's
// things can stand, and looks for it in all that is kept.
func TestNothingProtectedIsKept(t *testing.T) {
	const mark = "doeJANE1970" // in place of each ~
	lines := []string{
		tcp80 + `"alert","payload":"~","payload_printable":"a ~ b","packet":"~","payload_length":5,"alert":{"signature":"s","gid":1,"signature_id":2},
			"http":{"hostname":"h","url":"/p/~?x=~","http_refer":"http://h/~","http_request_body":"~","http_request_body_printable":"~","http_response_body_printable":"~",
			"redirect":"/~","authorization":"~","cookie":"~","set_cookie":"~","x_patient":"~","location":"~","content_disposition":"~"},
			"files":[{"filename":"~.doc","magic":"Microsoft Word, Title: ~, Author: ~","sha256":"s"}],
			"email":{"subject":"~","from":"~ <x@example.org>","attachment":["~.pdf"],"url":["http://h/~"],"body":"~"},
			"smb":{"filename":"~","directory":"~","rename":{"from":"~","to":"~"}},"metadata":{"flowvars":[{"key":"~","value":"~"}],"pktvars":[{"username":"~"}]},
			"ftp":{"command_data":"~","reply":["~"]},"pgsql":{"request":{"simple_query":"select ~","password":"~"}},"rfb":{"framebuffer":{"name":"~"}},
			"tls":{"client":{"subject":"CN=~"},"chain":["~"],"certificate":"~"},"websocket":{"payload_printable":"~","payload_base64":"~"},
			"frame":{"payload":"~","payload_printable":"~"},"payload":{"x":{"y":["~",{"z":"~"}]}}}`,
		tcp80 + `"http","http":{"url":"http://h.example/~/x.exe?q=~","http_refer":"http://h/~?~","redirect":"http://h/~","cookie":"~","new_field":"~",
			"request_headers":[{"name":"Cookie","value":"~"},{"name":"X-Patient","value":"~"}],"http_content_type":"text/plain; name=~","xyz":{"a":"~"}}}`,
		tcp80 + `"fileinfo","app_proto":"http","fileinfo":{"filename":"/~/~.pdf","magic":"PDF document, ~","sid":[1]},"http":{"url":"/~"}}`,
		tcp80 + `"smb","smb":{"command":"SMB2_COMMAND_CREATE","filename":"~\\~.doc","directory":"~","rename":{"from":"~","to":"~"}}}`,
		tcp80 + `"nfs","nfs":{"procedure":"READ","filename":"~","rename":{"from":"~","to":"~"}}}`,
		tcp80 + `"tftp","tftp":{"packet":"read","file":"~"}}`,
		tcp80 + `"ftp","ftp":{"command":"PASS","command_data":"~","reply":["~"],"completion_code":["230"]}}`,
		tcp80 + `"ftp","ftp":{"command":"RETR","command_data":"~","reply":["~"]}}`,
		tcp80 + `"ftp","ftp":{"command":"SITE","command_data":"~"}}`,
		tcp80 + `"ftp_data","ftp_data":{"command":"STOR","filename":"~.zip"}}`,
		tcp80 + `"smtp","smtp":{"helo":"h","xtext":"~"},"email":{"from":"~","subject":"~","to":["~ <b@example.org>"],"cc":["~ <c@example.org>"],"attachment":["~.exe"],"url":["http://u:~@h/~"],"received":["~"],"body_text":"~"}}`,
		tcp80 + `"mqtt","mqtt":{"publish":{"topic":"~","message":"~"},"connect":{"password":"~","will":{"topic":"~","message":"~"}},"subscribe":{"topics":[{"topic":"~"}]}}}`,
		tcp80 + `"pgsql","pgsql":{"request":{"simple_query":"~","password":"~","message":"~","sasl_response":"~"},"response":{"message":"~","file":"~"}}}`,
		tcp80 + `"ldap","ldap":{"request":{"search_request":{"base_object":"~","attributes":["~"],"filter":{"x":"~"}},"add_request":{"entry":"~","attributes":[{"name":"n","values":["~"]}]}},"responses":[{"search_result_entry":{"base_object":"~","attributes":[{"values":["~"]}]}}]}}`,
		tcp80 + `"ldap","ldap":{"request":{"bind_request":{"name":"u","sasl":{"credentials":"~","mechanism":"GSSAPI"}}},"responses":[{"bind_response":{"message":"~","server_sasl_creds":"~"}}]}}`,
		tcp80 + `"pop3","pop3":{"request":{"command":"PASS","args":["~"]},"response":{"header":"~","data":["~"]}}}`,
		tcp80 + `"pop3","pop3":{"request":{"command":"RETR","args":["~"]},"response":{"header":"~","data":["~"]}}}`,
		tcp80 + `"sip","sip":{"uri":"sip:~","request_line":"~","response_line":"~","reason":"~","sdp":{"origin":"~","session_name":"~","attributes":["~"],"media_descriptions":[{"media_info":"~"}]}}}`,
		tcp80 + `"snmp","snmp":{"community":"~"}}`,
		tcp80 + `"rfb","rfb":{"authentication":{"vnc":{"challenge":"~","response":"~"}},"framebuffer":{"name":"~"}}}`,
		tcp80 + `"websocket","websocket":{"payload_base64":"~","payload_printable":"~"}}`,
		tcp80 + `"template","template":{"request":"~","response":"~"}}`,
		tcp80 + `"anomaly","packet":"~","anomaly":{"type":"decode","event":"x"}}`,
		tcp80 + `"new_type","new_type":{"payload":"~","a":{"http_body":"~","password":{"b":["~"]},"file_name":"~","url":"~","subject":"~"}},"payload_printable":"~"}`,
	}
	for _, line := range lines {
		line = strings.NewReplacer("~", mark, "\n", "", "\t", "").Replace(line)
		r := decodetest.Decode(t, Kind, []byte(line))
		if r.Decoded != 1 {
			t.Errorf("%.120s...: %v", line, r.Rejected)
		}
		if kept := bytes.ToLower(r.Batch.Append(nil)); bytes.Contains(kept, bytes.ToLower([]byte(mark))) {
			t.Errorf("%.120s...\nkeeps the mark:\n%s", line, decoded(t, line))
		}
	}
}

func TestLongValuesAreContent(t *testing.T) {
	got := decoded(t, tcp80+`"new","new":{"words":"`+strings.Repeat("word ", 200)+`"}}`)
	if strings.Contains(got, "word word") || !strings.Contains(got, "new.words=blinded 1000 bytes") {
		t.Error(got)
	}
}

func TestFlatteningIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(tcp80 + `"new","new":{`)
	for i := range 500 {
		b.WriteString(`"` + strings.Repeat("k", i) + `":1,`)
	}
	b.WriteString(`"z":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat("}", 40) + `}}`)
	r := decodetest.Decode(t, Kind, []byte(b.String()))
	if n := int(r.Batch.Events[0].Extras); n == 0 || n > maxExtras {
		t.Errorf("%d extras", n)
	}
	for _, x := range r.Batch.Extras {
		if x.Name.Len() > maxName {
			t.Errorf("a name of %d bytes", x.Name.Len())
		}
	}
}
