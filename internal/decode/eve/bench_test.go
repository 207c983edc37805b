package eve

import (
	"bytes"
	"testing"

	"vedette/internal/event"
)

const (
	flowLine  = `{"timestamp":"2019-06-24T14:11:37.123456+0000","flow_id":2136486580977549,"in_iface":"eth1","event_type":"flow","src_ip":"192.168.1.129","src_port":52344,"dest_ip":"203.0.113.45","dest_port":443,"proto":"TCP","app_proto":"tls","flow":{"pkts_toserver":15,"pkts_toclient":14,"bytes_toserver":2940,"bytes_toclient":10995,"start":"2019-06-24T14:10:03.300831+0000","end":"2019-06-24T14:10:37.313608+0000","age":34,"state":"closed","reason":"timeout","alerted":false},"community_id":"1:ww8awAWRc4Ij/qXhL0TGeX65bRI=","tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,"state":"closed"}}`
	dnsLine   = `{"timestamp":"2021-06-06T16:15:30.868948+0200","flow_id":1419339999887459,"pcap_cnt":2360,"event_type":"dns","src_ip":"192.168.1.129","src_port":39422,"dest_ip":"192.168.1.1","dest_port":53,"proto":"UDP","dns":{"version":2,"type":"answer","id":2,"flags":"8180","qr":true,"rd":true,"ra":true,"rrname":"www.example.com","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"www.example.com","rrtype":"CNAME","ttl":580,"rdata":"ddns.example.com"},{"rrname":"ddns.example.com","rrtype":"A","ttl":280,"rdata":"198.51.100.67"}],"grouped":{"A":["198.51.100.67"],"CNAME":["ddns.example.com"]}},"host":"sensor1"}`
	alertLine = `{"timestamp":"2021-06-06T15:59:46.457984+0200","flow_id":1374195536821504,"pcap_cnt":313,"event_type":"alert","src_ip":"198.51.100.213","src_port":51698,"dest_ip":"192.168.1.129","dest_port":445,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":2403388,"rev":66418,"signature":"ET EXAMPLE Poor Reputation IP group 89","category":"Misc Attack","severity":2,"metadata":{"affected_product":["Any"],"attack_target":["Any"],"created_at":["2013_10_08"],"deployment":["Perimeter"],"signature_severity":["Major"],"tag":["EXAMPLE"],"updated_at":["2021_06_07"]}},"flow":{"pkts_toserver":1,"pkts_toclient":0,"bytes_toserver":60,"bytes_toclient":0,"start":"2021-06-06T15:59:46.457984+0200"},"host":"sensor1"}`
	httpLine  = `{"timestamp":"2018-01-08T19:54:47.665705+0000","flow_id":1938774413661715,"in_iface":"eth1","event_type":"http","src_ip":"172.16.1.68","src_port":58384,"dest_ip":"198.51.100.75","dest_port":80,"proto":"TCP","tx_id":0,"http":{"hostname":"media.example.org","url":"/pdf/manual/latest/manual.pdf?x=1","http_user_agent":"curl/7.55.1","http_content_type":"application/pdf","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":122686}}`
	tlsLine   = `{"timestamp":"2021-06-06T16:54:00.074627+0200","flow_id":262898731971351,"in_iface":"eth1","event_type":"tls","src_ip":"192.168.1.129","src_port":60316,"dest_ip":"198.51.100.67","dest_port":443,"proto":"TCP","tls":{"subject":"CN=www.example.com","issuerdn":"C=BE, O=Example, CN=Example CA - SHA256 - G2","serial":"17:8E:1E:D7","fingerprint":"2d:d1:9f:80:99:86:fc:ac:5f:2a:2a:fd:a3:f3:7e:96:7c:dd:24:37","sni":"www.example.com","version":"TLS 1.2","notbefore":"2020-03-19T09:44:08","notafter":"2022-03-20T09:44:08","ja3":{"hash":"b7202231ff2db28363c109cedc6d1642","string":"770,51-57-69-136-22-53-132-47-65-10-5-4,0,,"},"ja3s":{"hash":"ad90cab724fafab2660fbf61673c91a9","string":"770,51,0"}}}`
)

func BenchmarkDecode(b *testing.B) {
	for _, x := range []struct{ name, line string }{
		{"flow", flowLine}, {"dns", dnsLine}, {"alert", alertLine}, {"http", httpLine}, {"tls", tlsLine},
	} {
		b.Run(x.name, func(b *testing.B) { benchmark(b, []byte(x.line)) })
	}
}

// benchmark decodes the line as a source would: batches of 1,000 records, whose clients
// and ports differ.
func benchmark(b *testing.B, line []byte) {
	var batch event.Batch
	emit := event.NewEmit([]byte("key"))
	dec := Kind.New()
	lines := make([][]byte, 256)
	for i := range lines {
		lines[i] = bytes.Replace(line, []byte(`"src_port":5`), []byte(`"src_port":`+string(rune('1'+i%6))), 1)
		lines[i] = bytes.Replace(lines[i], []byte(`.1.129"`), []byte(`.1.`+string(rune('1'+i/16%9))+string(rune('0'+i%10))+`"`), 1)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n%1000 == 0 {
			batch.Reset()
			emit.Source(&batch, "tenant", "site", "eve.json")
		}
		n++
		l := lines[n%len(lines)]
		emit.Begin(uint64(n), event.Claimed, l)
		if err := dec(l, emit); err != nil {
			b.Fatal(err)
		}
	}
}
