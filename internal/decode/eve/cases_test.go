package eve

// cases are records of every type, and what becomes of them.
func cases() []struct{ name, line, want string } {
	return []struct{ name, line, want string }{
		{
			"flow_closed",
			tcp80 + `"flow","app_proto":"http","flow":{"pkts_toserver":6,"pkts_toclient":5,"bytes_toserver":600,"bytes_toclient":5000,"start":"2019-06-24T14:11:30.000000+0000","end":"2019-06-24T14:11:36.000001+0000","age":6,"state":"closed","reason":"timeout"},"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"state":"closed"},"community_id":"1:x"}`,
			`handshake flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp Service:http State:closed Community:1:x BytesOut:600 BytesIn:5000 PacketsOut:6 PacketsIn:5 Duration:6000001000 Outcome:1} [flow.age=6 flow.reason=timeout tcp.tcp_flags=1b tcp.tcp_flags_ts=1b tcp.tcp_flags_tc=1b tcp.state=closed]`,
		},
		{
			"flow_half_open",
			tcp80 + `"flow","flow":{"pkts_toserver":2,"pkts_toclient":1,"state":"closed"},"tcp":{"tcp_flags_ts":"06","tcp_flags_tc":"12","state":"closed"}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp State:closed PacketsOut:2 PacketsIn:1 Outcome:1} [tcp.tcp_flags_ts=06 tcp.tcp_flags_tc=12 tcp.state=closed]`,
		},
		{
			"flow_refused",
			tcp80 + `"flow","flow":{"pkts_toserver":1,"pkts_toclient":1,"state":"closed"},"tcp":{"tcp_flags_ts":"02","tcp_flags_tc":"14","state":"closed"}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp State:closed PacketsOut:1 PacketsIn:1 Outcome:3} [tcp.tcp_flags_ts=02 tcp.tcp_flags_tc=14 tcp.state=closed]`,
		},
		{
			"flow_unanswered",
			tcp80 + `"flow","app_proto":"failed","flow":{"pkts_toserver":3,"pkts_toclient":0,"state":"new"},"tcp":{"tcp_flags_ts":"02","tcp_flags_tc":"00","state":"syn_sent"}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp State:new PacketsOut:3 Outcome:2} [tcp.tcp_flags_ts=02 tcp.tcp_flags_tc=00 tcp.state=syn_sent]`,
		},
		{
			"flow_udp",
			udp + `"flow","flow":{"pkts_toserver":1,"pkts_toclient":1,"state":"established"}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/53 {Protocol:udp State:established PacketsOut:1 PacketsIn:1 Outcome:1} []`,
		},
		{
			"flow_icmp_unreachable",
			begin + `0,"proto":"ICMP","event_type":"flow","icmp_type":8,"response_icmp_type":3,"flow":{"pkts_toserver":1,"pkts_toclient":1}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2 {Protocol:icmp PacketsOut:1 PacketsIn:1 Outcome:3} [icmp_type=8 response_icmp_type=3]`,
		},
		{
			"flow_no_object",
			tcp80 + `"flow"}`,
			`claimed other 10.0.0.1/40000 > 10.0.0.2/80 {} [proto=TCP]`,
		},
		{
			"netflow_out",
			tcp80 + `"netflow","netflow":{"pkts":4,"bytes":400,"start":"2019-06-24T14:11:30Z","end":"2019-06-24T14:11:31Z","age":1},"tcp":{"tcp_flags":"1b"}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp BytesOut:400 PacketsOut:4 Duration:1000000000} [netflow.age=1 tcp.tcp_flags=1b]`,
		},
		{
			"netflow_in",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"netflow","src_ip":"10.0.0.2","src_port":80,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","netflow":{"pkts":4,"bytes":400}}`,
			`claimed flow 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:tcp BytesIn:400 PacketsIn:4 Outcome:1} []`,
		},
		{
			"alert",
			tcp80 + `"alert","direction":"to_server","alert":{"action":"allowed","gid":1,"signature_id":2010935,"rev":3,"signature":"ET X","category":"Misc","severity":1,"metadata":{"attack_target":["Any","All"]}},"http":{"hostname":"h.example","url":"/a?b=c"}}`,
			`claimed alert 10.0.0.1/40000 > 10.0.0.2/80 {Product:suricata Signature:ET X ID:1:2010935 Category:Misc Action:allowed Severity:4} [alert.rev=3 alert.metadata.attack_target=Any,All proto=TCP direction=to_server http.hostname=h.example http.url=blinded 6 bytes #]`,
		},
		{
			"alert_to_client",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"alert","src_ip":"10.0.0.2","src_port":8443,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","direction":"to_client","alert":{"signature_id":1,"severity":4}}`,
			`claimed alert 10.0.0.1/40000 > 10.0.0.2/8443 {Product:suricata ID:0:1 Severity:1} [proto=TCP direction=to_client]`,
		},
		{
			"alert_flow_tells",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"alert","src_ip":"fe80:0000:0000:0000:0000:0000:0000:0002","src_port":8443,"dest_ip":"fe80:0000:0000:0000:0000:0000:0000:0001","dest_port":40000,"proto":"TCP","flow":{"src_ip":"fe80::1","src_port":40000},"alert":{"gid":1,"signature_id":1,"severity":3}}`,
			`claimed alert fe80::1/40000 > fe80::2/8443 {Product:suricata ID:1:1 Severity:2} [proto=TCP flow.src_ip=fe80::1 flow.src_port=40000]`,
		},
		{
			"alert_source_port_of_an_attack",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"alert","src_ip":"10.0.0.2","src_port":53,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"UDP","alert":{"gid":1,"signature_id":1,"severity":2}}`,
			`claimed alert 10.0.0.2/53 > 10.0.0.1/40000 {Product:suricata ID:1:1 Severity:3} [proto=UDP]`,
		},
		{
			"drop",
			tcp80 + `"drop","drop":{"len":60,"ttl":64,"syn":true,"reason":"flow drop"}}`,
			`claimed alert 10.0.0.1/40000 > 10.0.0.2/80 {Product:suricata Signature:packet dropped ID:drop Category:flow drop Action:blocked Severity:1} [drop.len=60 drop.ttl=64 drop.syn=true drop.reason=flow drop proto=TCP]`,
		},
		{
			"drop_by_rule",
			tcp80 + `"drop","drop":{"len":60,"reason":"rules"},"alert":{"action":"blocked","gid":1,"signature_id":5,"signature":"S","category":"C","severity":2}}`,
			`claimed alert 10.0.0.1/40000 > 10.0.0.2/80 {Product:suricata Signature:S ID:1:5 Category:C Action:blocked Severity:3} [drop.len=60 drop.reason=rules proto=TCP]`,
		},
		{
			"anomaly",
			tcp80 + `"anomaly","anomaly":{"type":"applayer","event":"INVALID","layer":"proto_parser","app_proto":"http"}}`,
			`claimed alert 10.0.0.1/40000 > 10.0.0.2/80 {Product:suricata Signature:INVALID ID:applayer:INVALID Category:anomaly Action:allowed Severity:1} [anomaly.layer=proto_parser proto=TCP app_proto=http]`,
		},
		{
			"dns_query",
			udp + `"dns","dns":{"version":2,"type":"query","id":5,"rrname":"WWW.Example.org.","rrtype":"A","tx_id":0}}`,
			`claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:www.example.org Kind:A} [dns.type=query dns.id=5 dns.tx_id=0 proto=UDP]`,
		},
		{
			"dns_answer_v1",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"dns","src_ip":"10.0.0.2","src_port":53,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"UDP","dns":{"type":"answer","id":5,"rcode":"NOERROR","rrname":"example.org","rrtype":"A","ttl":60,"rdata":"192.0.2.1"}}`,
			`claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:example.org Kind:A Code:NOERROR Answers:["192.0.2.1"] TTL:60 Answer:1} [dns.type=answer dns.id=5 proto=UDP]`,
		},
		{
			"dns_answer_v2",
			udp + `"dns","dns":{"version":2,"type":"answer","id":5,"flags":"8180","qr":true,"rrname":"example.org","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"example.org","rrtype":"CNAME","ttl":300,"rdata":"a.example.org"},{"rrname":"a.example.org","rrtype":"A","ttl":60,"rdata":"192.0.2.1"}],"grouped":{"A":["192.0.2.1"]}}}`,
			`claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:example.org Kind:A Code:NOERROR Answers:["a.example.org" "192.0.2.1"] TTL:60 Answer:1} [dns.type=answer dns.id=5 dns.flags=8180 proto=UDP]`,
		},
		{
			"dns_answer_grouped",
			udp + `"dns","dns":{"version":2,"type":"answer","id":5,"rrname":"example.org","rrtype":"MX","rcode":"NXDOMAIN","grouped":{"A":["192.0.2.1"],"SRV":[{"name":"s.example.org","port":1}]}}}`,
			`claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:example.org Kind:MX Code:NXDOMAIN Answers:["192.0.2.1" "s.example.org"] Answer:1} [dns.type=answer dns.id=5 proto=UDP]`,
		},
		{
			"dns_v3",
			udp + `"dns","dns":{"version":3,"type":"response","tx_id":1,"id":5,"rcode":"NOERROR","queries":[{"rrname":"a.example","rrtype":"AAAA"},{"rrname":"b.example","rrtype":"A"}],"answers":[{"rrname":"a.example","rrtype":"SOA","ttl":9,"soa":{"mname":"ns.example"}}]}}`,
			`claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:a.example Kind:AAAA Code:NOERROR Answers:["ns.example"] TTL:9 Answer:1} [dns.type=response dns.tx_id=1 dns.id=5 proto=UDP]
claimed dns 10.0.0.1/40000 > 10.0.0.2/53 {Query:b.example Kind:A} []`,
		},
		{
			"mdns",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"mdns","src_ip":"10.0.0.1","src_port":5353,"dest_ip":"224.0.0.251","dest_port":5353,"proto":"UDP","mdns":{"type":"response","id":0,"rcode":0,"flags":["aa"],"answers":[{"rrname":"_ipp._tcp.local","ptr":"p._ipp._tcp.local"}]}}`,
			`claimed dns 10.0.0.1/5353 > 224.0.0.251/5353 {Answers:["p._ipp._tcp.local"] Answer:1} [mdns.type=response mdns.id=0 mdns.rcode=0 mdns.flags=aa proto=UDP]`,
		},
		{
			"http",
			tcp80 + `"http","tx_id":0,"http":{"hostname":"WWW.Example.org:80","url":"/a/b.exe?q=1","http_user_agent":"curl/7","http_content_type":"text/html; charset=x","http_refer":"http://u@Ref.example/secret","http_method":"GET","protocol":"HTTP/1.1","status":200,"redirect":"https://to.example/x","length":12,"request_headers":[{"name":"Host","value":"x"},{"name":"Cookie","value":"x"}]}}`,
			`handshake http 10.0.0.1/40000 > 10.0.0.2/80 {Method:GET Host:www.example.org Agent:curl/7 Referrer:ref.example Type:text/html Extension:exe Path:8 Query:3 BytesIn:12 Status:200} [http.protocol=HTTP/1.1 http.redirect.host=to.example http.request_headers=Host,Cookie proto=TCP tx_id=0]`,
		},
		{
			"http_proxy",
			begin + `3128,"proto":"TCP","event_type":"http","http":{"hostname":"example.org","url":"http://example.org/x","http_method":"GET"}}`,
			`handshake http 10.0.0.1/40000 > 10.0.0.2/3128 {Method:GET Host:example.org Path:2 Proxied:1} [proto=TCP]`,
		},
		{
			"http2",
			tcp80 + `"http","http":{"version":"2","request_headers":[{"name":":method","value":"GET"},{"name":":path","value":"/a.js"},{"name":":authority","value":"Example.org"},{"name":"user-agent","value":"ua"}],"response_headers":[{"name":":status","value":"404"},{"name":"content-type","value":"text/css"}],"http2":{"stream_id":3}}}`,
			`handshake http 10.0.0.1/40000 > 10.0.0.2/80 {Method:GET Host:example.org Agent:ua Type:text/css Extension:js Path:5 Status:404} [http.version=2 http.request_headers=:method,:path,:authority,user-agent http.response_headers=:status,content-type http.http2.stream_id=3 proto=TCP]`,
		},
		{
			"tls",
			begin + `443,"proto":"TCP","event_type":"tls","tls":{"subject":"CN=a","issuerdn":"CN=b","serial":"01","fingerprint":"AA:bb","sni":"Example.org","version":"TLS 1.2","notbefore":"2020-01-01T00:00:00","notafter":"2021-01-01T00:00:00","session_resumed":true,"ja3":{"hash":"j3","string":"x"},"ja3s":{"hash":"j3s"},"ja4":"j4","client_alpns":["h2","http/1.1"],"server_alpns":["h2"],"server_handshake":{"cipher":4865}}}`,
			`handshake tls 10.0.0.1/40000 > 10.0.0.2/443 {ServerName:example.org Version:TLSv1.2 Cipher:0x1301 ALPN:h2 JA3:j3 JA3S:j3s JA4:j4 CertSubject:CN=a CertIssuer:CN=b CertHash:aabb NotBefore:1577836800000000000 NotAfter:1609459200000000000 Established:1 Resumed:1} [tls.serial=01 tls.client_alpns=h2,http/1.1 tls.server_handshake.cipher=4865 proto=TCP]`,
		},
		{
			"tls_object_ja4",
			begin + `443,"proto":"TCP","event_type":"tls","tls":{"sni":"a","version":"UNDETERMINED","ja4":{"hash":"j4"}}}`,
			`handshake tls 10.0.0.1/40000 > 10.0.0.2/443 {ServerName:a JA4:j4} [proto=TCP]`,
		},
		{
			"quic",
			begin + `443,"proto":"UDP","event_type":"quic","quic":{"version":"1","sni":"a.example","ua":"x","ja3":{"hash":"j3"},"ja4":"q13","extensions":[{"name":"alpn","type":16,"values":["h3"]}]}}`,
			`claimed tls 10.0.0.1/40000 > 10.0.0.2/443 {ServerName:a.example Version:QUIC JA3:j3 JA4:q13} [quic.version=1 quic.ua=x quic.alpn=h3 proto=UDP]`,
		},
		{
			"ssh",
			begin + `22,"proto":"TCP","event_type":"ssh","ssh":{"client":{"proto_version":"2.0","software_version":"OpenSSH_8","hassh":{"hash":"h1","string":"s"}},"server":{"proto_version":"2.0","software_version":"OpenSSH_7","hassh":{"hash":"h2"}}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/22 {Protocol:ssh Client:OpenSSH_8 Server:OpenSSH_7 Fingerprint:h1} [ssh.client.proto_version=2.0 ssh.server.proto_version=2.0 ssh.server.hassh=h2 proto=TCP]`,
		},
		{
			"krb5_success",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"krb5","src_ip":"10.0.0.2","src_port":88,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","krb5":{"msg_type":"KRB_AS_REP","cname":"ann","realm":"EX.ORG","sname":"krbtgt/EX.ORG","encryption":"rc4-hmac","weak_encryption":true}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/88 {Protocol:kerberos User:ann@EX.ORG Service:krbtgt/EX.ORG Result:1} [krb5.msg_type=KRB_AS_REP krb5.encryption=rc4-hmac krb5.weak_encryption=true proto=TCP]`,
		},
		{
			"krb5_failure",
			begin + `88,"proto":"UDP","event_type":"krb5","krb5":{"msg_type":"KRB_ERROR","failed_request":"KRB_AS_REQ","error_code":"KDC_ERR_PREAUTH_FAILED","cname":"<empty>","realm":"<empty>","sname":"krbtgt/EX.ORG"}}`,
			`claimed logon 10.0.0.1/40000 > 10.0.0.2/88 {Protocol:kerberos Service:krbtgt/EX.ORG Reason:KDC_ERR_PREAUTH_FAILED Result:2} [krb5.msg_type=KRB_ERROR krb5.failed_request=KRB_AS_REQ proto=UDP]`,
		},
		{
			"krb5_preauth",
			begin + `88,"proto":"UDP","event_type":"krb5","krb5":{"msg_type":"KRB_ERROR","error_code":"KDC_ERR_PREAUTH_REQUIRED"}}`,
			`claimed logon 10.0.0.1/40000 > 10.0.0.2/88 {Protocol:kerberos Reason:KDC_ERR_PREAUTH_REQUIRED} [krb5.msg_type=KRB_ERROR proto=UDP]`,
		},
		{
			"smb_logon",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"id":3,"command":"SMB2_COMMAND_SESSION_SETUP","status":"STATUS_LOGON_FAILURE","ntlmssp":{"domain":"D","user":"ann","host":"H"}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/445 {Protocol:ntlm User:D\ann Service:smb Reason:STATUS_LOGON_FAILURE Result:2} [smb.id=3 smb.command=SMB2_COMMAND_SESSION_SETUP smb.status=STATUS_LOGON_FAILURE smb.ntlmssp.domain=D smb.ntlmssp.user=ann smb.ntlmssp.host=H proto=TCP]`,
		},
		{
			"smb_step",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"command":"SMB2_COMMAND_SESSION_SETUP","status":"STATUS_MORE_PROCESSING_REQUIRED"}}`,
			`handshake other 10.0.0.1/40000 > 10.0.0.2/445 {} [smb.command=SMB2_COMMAND_SESSION_SETUP smb.status=STATUS_MORE_PROCESSING_REQUIRED proto=TCP]`,
		},
		{
			"smb_create",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"command":"SMB2_COMMAND_CREATE","dialect":"3.11","status":"STATUS_SUCCESS","filename":"a\\b.docx","share":"\\\\fs\\data","disposition":"FILE_OVERWRITE_IF","access":"normal","created":1,"size":9}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/445 {Protocol:smb Action:write Share:\\fs\data Extension:docx Name:8 Size:9} [smb.command=SMB2_COMMAND_CREATE smb.dialect=3.11 smb.status=STATUS_SUCCESS smb.disposition=FILE_OVERWRITE_IF smb.access=normal proto=TCP]`,
		},
		{
			"smb_rename",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"command":"SMB2_COMMAND_SET_INFO","filename":"b.docx","rename":{"from":"b.docx","to":"b.docx.bak"}}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/445 {Protocol:smb Action:rename Extension:bak Name:10} [smb.command=SMB2_COMMAND_SET_INFO smb.rename.from=blinded 6 bytes # smb.rename.to=blinded 10 bytes # proto=TCP]`,
		},
		{
			"smb_delete",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"command":"SMB2_COMMAND_SET_INFO","filename":"b.docx","access":"delete on close"}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/445 {Protocol:smb Action:delete Extension:docx Name:6} [smb.command=SMB2_COMMAND_SET_INFO smb.access=delete on close proto=TCP]`,
		},
		{
			"smb_pipe_call",
			begin + `445,"proto":"TCP","event_type":"smb","smb":{"command":"SMB2_COMMAND_WRITE","dcerpc":{"request":"BIND","interfaces":[{"uuid":"u","version":"1.0"}]}}}`,
			`handshake other 10.0.0.1/40000 > 10.0.0.2/445 {} [smb.command=SMB2_COMMAND_WRITE smb.dcerpc.request=BIND smb.dcerpc.interfaces.0.uuid=u smb.dcerpc.interfaces.0.version=1.0 proto=TCP]`,
		},
		{
			"smtp",
			begin + `25,"proto":"TCP","event_type":"smtp","smtp":{"helo":"h","mail_from":"<Ann@Example.org>","rcpt_to":["<b@example.org>","<c@example.org>"]},"email":{"status":"PARSE_DONE","from":"Ann <ann@example.org>","to":["Bob <b@example.org>"],"subject":"s3","message_id":"<1@x>","x_mailer":"m","attachment":["a.PDF","b.exe"],"url":["evil.example/x","http://two.example/y"]}}`,
			`handshake mail 10.0.0.1/40000 > 10.0.0.2/25 {From:ann@example.org HeaderFrom:ann@example.org To:["b@example.org" "c@example.org"] MessageID:1@x Helo:h Agent:m Subject:2} [email.status=PARSE_DONE email.to=b@example.org email.attachment=blinded 11 bytes # email.attachment.extensions=pdf,exe email.url=blinded 35 bytes # email.url.hosts=evil.example,two.example proto=TCP]`,
		},
		{
			"fileinfo_from_server",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"fileinfo","src_ip":"10.0.0.2","src_port":80,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","app_proto":"http","http":{"hostname":"h","url":"/x","http_content_type":"text/html","http_method":"GET"},"fileinfo":{"filename":"/a/x.exe","magic":"PE32 executable, for somebody","state":"CLOSED","md5":"m","sha1":"s","sha256":"t","size":5}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/80 {Protocol:http Action:transfer Extension:exe Type:text/html MD5:m SHA1:s SHA256:t Name:8 Size:5} [fileinfo.magic=PE32 executable fileinfo.state=CLOSED proto=TCP app_proto=http http.hostname=h http.url=blinded 2 bytes # http.http_content_type=text/html http.http_method=GET]`,
		},
		{
			"fileinfo_to_server",
			begin + `25,"proto":"TCP","event_type":"fileinfo","app_proto":"smtp","fileinfo":{"filename":"x.zip","size":5,"stored":false}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/25 {Protocol:smtp Action:transfer Extension:zip Name:5 Size:5 ToServer:1} [fileinfo.stored=false proto=TCP app_proto=smtp]`,
		},
		{
			"ftp_user",
			begin + `21,"proto":"TCP","event_type":"ftp","ftp":{"command":"USER","command_data":"ann","completion_code":["331"],"reply":["Password for ann"]}}`,
			`handshake other 10.0.0.1/40000 > 10.0.0.2/21 {} [ftp.user=ann ftp.command=USER ftp.command_data=blinded 3 bytes # ftp.completion_code=331 ftp.reply=blinded 16 bytes # proto=TCP]`,
		},
		{
			"ftp_pass",
			begin + `21,"proto":"TCP","event_type":"ftp","ftp":{"command":"PASS","command_data":"pw","completion_code":["530"]}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/21 {Protocol:ftp Reason:530 Result:2} [ftp.command=PASS ftp.command_data=blinded 2 bytes # ftp.completion_code=530 proto=TCP]`,
		},
		{
			"ftp_stor",
			begin + `21,"proto":"TCP","event_type":"ftp","ftp":{"command":"STOR","command_data":"x.zip","completion_code":["125","226"]}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/21 {Protocol:ftp Action:write Extension:zip Name:5 ToServer:1} [ftp.command=STOR ftp.command_data=blinded 5 bytes # ftp.completion_code=125,226 proto=TCP]`,
		},
		{
			"ftp_data_active",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"ftp_data","src_ip":"10.0.0.2","src_port":20,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","ftp_data":{"filename":"x.zip","command":"RETR"}}`,
			`handshake file 10.0.0.1/40000 > 10.0.0.2/20 {Protocol:ftp Action:read Extension:zip Name:5} [ftp_data.command=RETR proto=TCP]`,
		},
		{
			"tftp",
			begin + `69,"proto":"UDP","event_type":"tftp","tftp":{"packet":"write","file":"x.bin","mode":"octet"}}`,
			`claimed file 10.0.0.1/40000 > 10.0.0.2/69 {Protocol:tftp Action:write Extension:bin Name:5 ToServer:1} [tftp.mode=octet proto=UDP]`,
		},
		{
			"nfs",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"nfs","src_ip":"10.0.0.2","src_port":2049,"dest_ip":"10.0.0.1","dest_port":1022,"proto":"UDP","rpc":{"xid":1,"creds":{"machine_name":"m","uid":0}},"nfs":{"version":3,"procedure":"RENAME","filename":"a","type":"response","status":"OK","rename":{"from":"a","to":"a.txt"}}}`,
			`claimed file 10.0.0.1/1022 > 10.0.0.2/2049 {Protocol:nfs Action:rename Extension:txt Name:5} [nfs.version=3 nfs.procedure=RENAME nfs.type=response nfs.status=OK nfs.rename.from=blinded 1 bytes # nfs.rename.to=blinded 5 bytes # proto=UDP rpc.xid=1 rpc.creds.machine_name=m rpc.creds.uid=0]`,
		},
		{
			"rdp",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"rdp","src_ip":"10.0.0.2","src_port":3389,"dest_ip":"10.0.0.1","dest_port":40000,"proto":"TCP","rdp":{"tx_id":1,"event_type":"initial_request","cookie":"ann"}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/3389 {Protocol:rdp User:ann} [rdp.tx_id=1 rdp.event_type=initial_request proto=TCP]`,
		},
		{
			"rfb",
			begin + `5900,"proto":"TCP","event_type":"rfb","rfb":{"authentication":{"security_type":2,"vnc":{"challenge":"c","response":"r"},"security_result":"FAIL"},"framebuffer":{"name":"ann's"}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/5900 {Protocol:vnc Reason:FAIL Result:2} [rfb.authentication.security_type=2 rfb.authentication.vnc.challenge=blinded 1 bytes # rfb.authentication.vnc.response=blinded 1 bytes # rfb.authentication.security_result=FAIL rfb.framebuffer.name=blinded 5 bytes # proto=TCP]`,
		},
		{
			"mqtt_connect",
			begin + `1883,"proto":"TCP","event_type":"mqtt","mqtt":{"connect":{"client_id":"c1","username":"u","password":"p"},"connack":{"return_code":5}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/1883 {Protocol:mqtt User:u Client:c1 Reason:return code 5 Result:2} [mqtt.connect.client_id=c1 mqtt.connect.username=u mqtt.connect.password=blinded 1 bytes # mqtt.connack.return_code=5 proto=TCP]`,
		},
		{
			"mqtt_publish",
			begin + `1883,"proto":"TCP","event_type":"mqtt","mqtt":{"publish":{"qos":1,"topic":"t","message":"m"}}}`,
			`handshake other 10.0.0.1/40000 > 10.0.0.2/1883 {} [mqtt.publish.qos=1 mqtt.publish.topic=blinded 1 bytes # mqtt.publish.message=blinded 1 bytes # proto=TCP]`,
		},
		{
			"pgsql",
			begin + `5432,"proto":"TCP","event_type":"pgsql","pgsql":{"tx_id":1,"request":{"startup_parameters":{"user":"u"}},"response":{"code":"28P01","message":"password authentication failed"}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/5432 {Protocol:postgresql User:u Reason:28P01 Result:2} [pgsql.tx_id=1 pgsql.request.startup_parameters.user=u pgsql.response.code=28P01 pgsql.response.message=blinded 30 bytes # proto=TCP]`,
		},
		{
			"ldap",
			begin + `389,"proto":"TCP","event_type":"ldap","ldap":{"request":{"operation":"bind_request","message_id":1,"bind_request":{"version":3,"name":"cn=a"}},"responses":[{"operation":"bind_response","bind_response":{"result_code":"invalid_credentials","message":"m"}}]}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/389 {Protocol:ldap User:cn=a Reason:invalid_credentials Result:2} [ldap.request.operation=bind_request ldap.request.message_id=1 ldap.request.bind_request.version=3 ldap.request.bind_request.name=blinded 4 bytes # ldap.responses.0.operation=bind_response ldap.responses.0.bind_response.result_code=invalid_credentials ldap.responses.0.bind_response.message=blinded 1 bytes # proto=TCP]`,
		},
		{
			"pop3",
			begin + `110,"proto":"TCP","event_type":"pop3","pop3":{"request":{"command":"PASS","args":["pw"]},"response":{"success":true,"status":"OK","header":"+OK"}}}`,
			`handshake logon 10.0.0.1/40000 > 10.0.0.2/110 {Protocol:pop3 Result:1} [pop3.request.command=PASS pop3.request.args=blinded 2 bytes # pop3.response.success=true pop3.response.status=OK pop3.response.header=blinded 3 bytes # proto=TCP]`,
		},
		{
			"dhcp_ack",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"dhcp","src_ip":"10.0.0.254","src_port":67,"dest_ip":"255.255.255.255","dest_port":68,"proto":"UDP","dhcp":{"type":"reply","id":1,"client_mac":"00-0C-29-AA-bb-cc","assigned_ip":"10.0.0.50","dhcp_type":"ack","lease_time":300,"hostname":"PC-1","routers":["10.0.0.254"]}}`,
			`claimed lease 00:0c:29:aa:bb:cc > 10.0.0.254/67 {Address:10.0.0.50 MAC:00:0c:29:aa:bb:cc Hostname:pc-1 Message:ACK Seconds:300} [dhcp.type=reply dhcp.id=1 dhcp.routers=10.0.0.254 proto=UDP]`,
		},
		{
			"dhcp_request",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"dhcp","src_ip":"0.0.0.0","src_port":68,"dest_ip":"255.255.255.255","dest_port":67,"proto":"UDP","dhcp":{"type":"request","client_mac":"00:0c:29:aa:bb:cc","assigned_ip":"0.0.0.0","client_ip":"0.0.0.0","requested_ip":"10.0.0.50","dhcp_type":"request","params":["router","domain"]}}`,
			`claimed lease 00:0c:29:aa:bb:cc > 255.255.255.255/67 {Address:10.0.0.50 MAC:00:0c:29:aa:bb:cc Message:REQUEST} [dhcp.type=request dhcp.client_ip=0.0.0.0 dhcp.requested_ip=10.0.0.50 dhcp.params=router,domain proto=UDP]`,
		},
		{
			"arp_reply",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"arp","arp":{"hw_type":"ethernet","opcode":"reply","src_mac":"00:1a:6b:6c:0c:cc","src_ip":"10.10.10.2","dest_mac":"00:1d:09:f0:92:ab","dest_ip":"10.10.10.1"}}`,
			`claimed lease 00:1a:6b:6c:0c:cc > 10.10.10.1 {Address:10.10.10.2 MAC:00:1a:6b:6c:0c:cc Message:ARP} [arp.dest_mac=00:1d:09:f0:92:ab]`,
		},
		{
			"arp_request",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"arp","arp":{"opcode":"request","src_mac":"00:1a:6b:6c:0c:cc","src_ip":"10.10.10.2"}}`,
			`claimed other - > - {} [arp.opcode=request arp.src_mac=00:1a:6b:6c:0c:cc arp.src_ip=10.10.10.2]`,
		},
		{
			"modbus_write",
			begin + `502,"proto":"TCP","event_type":"modbus","modbus":{"id":1,"request":{"unit_id":3,"function_raw":16,"function_code":"WrMultReg","access_type":"WRITE | HOLDING","write":{"address":107,"data":1}},"response":{"exception":{"raw":2,"code":"IllegalDataAddr"}}}}`,
			`handshake control 10.0.0.1/40000 > 10.0.0.2/502 {Protocol:modbus Function:WrMultReg Target:unit 3, write 107 Exception:IllegalDataAddr Request:1 Write:1} [modbus.id=1 modbus.request.unit_id=3 modbus.request.function_raw=16 modbus.request.function_code=WrMultReg modbus.request.access_type=WRITE | HOLDING modbus.request.write.address=107 modbus.request.write.data=1 modbus.response.exception.raw=2 modbus.response.exception.code=IllegalDataAddr proto=TCP]`,
		},
		{
			"modbus_read",
			begin + `502,"proto":"TCP","event_type":"modbus","modbus":{"request":{"unit_id":3,"function_raw":3,"function_code":"RdHoldRegs","read":{"address":10,"quantity":4}}}}`,
			`handshake control 10.0.0.1/40000 > 10.0.0.2/502 {Protocol:modbus Function:RdHoldRegs Target:unit 3, read 10-13 Request:1} [modbus.request.unit_id=3 modbus.request.function_raw=3 modbus.request.function_code=RdHoldRegs modbus.request.read.address=10 modbus.request.read.quantity=4 proto=TCP]`,
		},
		{
			"dnp3",
			begin + `20000,"proto":"TCP","event_type":"dnp3","dnp3":{"type":"request","src":3,"dst":2,"application":{"function_code":5,"objects":[{"group":12,"variation":1,"start":0,"stop":3}]}}}`,
			`handshake control 10.0.0.1/40000 > 10.0.0.2/20000 {Protocol:dnp3 Function:DIRECT_OPERATE Target:station 2, g12v1 0-3 Request:1 Write:1} [dnp3.src=3 dnp3.dst=2 proto=TCP]`,
		},
		{
			"dnp3_both",
			begin + `20000,"proto":"TCP","event_type":"dnp3","dnp3":{"request":{"src":3,"dst":2,"application":{"function_code":1}},"response":{"src":2,"dst":3,"application":{"function_code":129},"iin":{"indicators":["parameter_error"]}}}}`,
			`handshake control 10.0.0.1/40000 > 10.0.0.2/20000 {Protocol:dnp3 Function:READ Target:station 2 Request:1} [dnp3.src=3 dnp3.dst=2]
handshake control 10.0.0.1/40000 > 10.0.0.2/20000 {Protocol:dnp3 Function:RESPONSE Target:station 3 Exception:parameter_error} [dnp3.src=2 dnp3.dst=3 dnp3.iin.indicators=parameter_error proto=TCP]`,
		},
		{
			"enip",
			begin + `44818,"proto":"TCP","event_type":"enip","enip":{"request":{"command":"SendRRData","cip":{"service":"Set_Attribute_Single","class_name":"Identity","path":[{"segment_type":"class_id","value":1}]}},"response":{"command":"SendRRData","status":"Success","cip":{"status":"Path_Destination_Unknown"}}}}`,
			`handshake control 10.0.0.1/40000 > 10.0.0.2/44818 {Protocol:cip Function:Set_Attribute_Single Target:Identity class_id 1 Exception:Path_Destination_Unknown Request:1 Write:1} [enip.request.command=SendRRData enip.request.cip.service=Set_Attribute_Single enip.request.cip.class_name=Identity enip.request.cip.path.0.segment_type=class_id enip.request.cip.path.0.value=1 enip.response.command=SendRRData enip.response.status=Success enip.response.cip.status=Path_Destination_Unknown proto=TCP]`,
		},
		{
			"enip_identity",
			begin + `44818,"proto":"UDP","event_type":"enip","enip":{"request":{"command":"ListIdentity"},"response":{"command":"ListIdentity","identity":{"product_name":"PLC 5","revision":"1.2","vendor_id":"Rockwell"}}}}`,
			`claimed control 10.0.0.1/40000 > 10.0.0.2/44818 {Protocol:enip Function:ListIdentity Request:1} [enip.request.command=ListIdentity enip.response.command=ListIdentity enip.response.identity.product_name=PLC 5 enip.response.identity.revision=1.2 enip.response.identity.vendor_id=Rockwell proto=UDP]
claimed software 10.0.0.2/44818 > 10.0.0.1/40000 {Kind:model Name:PLC 5 Version:1.2 Vendor:Rockwell} []`,
		},
		{
			"dcerpc",
			begin + `135,"proto":"TCP","event_type":"dcerpc","dcerpc":{"request":"BIND","interfaces":[{"uuid":"u"}],"response":"BINDACK"}}`,
			`handshake other 10.0.0.1/40000 > 10.0.0.2/135 {} [dcerpc.request=BIND dcerpc.interfaces.0.uuid=u dcerpc.response=BINDACK proto=TCP]`,
		},
		{
			"sip",
			begin + `5060,"proto":"UDP","event_type":"sip","sip":{"method":"INVITE","uri":"sip:1@x","version":"SIP/2.0","request_line":"INVITE sip:1@x"}}`,
			`claimed other 10.0.0.1/40000 > 10.0.0.2/5060 {} [sip.method=INVITE sip.uri=blinded 7 bytes # sip.version=SIP/2.0 sip.request_line=blinded 14 bytes # proto=UDP]`,
		},
		{
			"snmp",
			begin + `161,"proto":"UDP","event_type":"snmp","snmp":{"version":1,"community":"public","vars":["1.3"]}}`,
			`claimed other 10.0.0.1/40000 > 10.0.0.2/161 {} [snmp.version=1 snmp.community=blinded 6 bytes # snmp.vars=1.3 proto=UDP]`,
		},
		{
			"stats",
			`{"timestamp":"2019-06-24T14:11:37Z","event_type":"stats","stats":{"uptime":9,"capture":{"kernel_packets":5,"kernel_drops":1},"decoder":{"pkts":5,"bytes":7}}}`,
			`claimed other - > - {} [stats.uptime=9 stats.capture.kernel_packets=5 stats.capture.kernel_drops=1 stats.decoder.pkts=5]`,
		},
		{
			"unknown",
			tcp80 + `"new","new":{"a":1,"b":{"c":true,"d":null},"e":[1,"x",{"f":2}],"token":"x"},"tcp_data":5}`,
			`claimed other 10.0.0.1/40000 > 10.0.0.2/80 {} [proto=TCP new.a=1 new.b.c=true new.e=1,x new.e.0.f=2 new.token=blinded 1 bytes # tcp_data=5]`,
		},
	}
}
