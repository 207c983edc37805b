package http

import (
	"fmt"
	"strings"
	"testing"

	"vedette/internal/decode"
	dt "vedette/internal/decode/decodetest"
	"vedette/internal/event"
	"vedette/internal/packet"
)

func tcp(said ...dt.Said) dt.Talk { return dt.Talk{Over: packet.TCP, Port: 80, Said: said} }

func talks() map[string]dt.Talk {
	get := dt.Client("GET /patient/4711?name=doe HTTP/1.1\r\nHost: PACS.example:8080\r\nUser-Agent: Mozilla/5.0\r\nReferer: https://Portal.example/x?y\r\n\r\n")
	return map[string]dt.Talk{
		"get":      tcp(get, dt.Server("HTTP/1.1 200 OK\r\nServer: Apache/2.4 (Debian)\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello")),
		"post":     tcp(dt.Client("POST /u.exe HTTP/1.1\r\nHost: a.example\r\nContent-Length: 7\r\n\r\npayload"), dt.Server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")),
		"chunked":  tcp(get, dt.Server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n")),
		"to_end":   tcp(get, dt.Server("HTTP/1.0 200 OK\r\nContent-Type: video/mp4\r\n\r\n"+strings.Repeat("x", 300))),
		"head":     tcp(dt.Client("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n"), dt.Server("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx")),
		"continue": tcp(dt.Client("PUT /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"), dt.Server("HTTP/1.1 100 Continue\r\n\r\n"), dt.Client("abc"), dt.Server("HTTP/1.1 204 No Content\r\n\r\n")),
		"pipeline": tcp(dt.Client("GET /1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n"), dt.Server("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
		"proxy":    tcp(dt.Client("GET http://B.example/x.zip HTTP/1.1\r\nHost: b.example\r\n\r\n"), dt.Server("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")),
		"bare_lf":  tcp(dt.Client("GET / HTTP/1.0\nHost: a.example\n\n"), dt.Server("HTTP/1.0 200 OK\nContent-Length: 1\n\nx")),
		"silent":   tcp(dt.Client("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")),
		"answers":  tcp(dt.Server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad")),
		"odd":      tcp(dt.Client("BREW /tea pot HTTP/1.1\r\nHost: <b>\x01\r\nnonsense\r\n: x\r\n\r\n")),
	}
}

func TestTalks(t *testing.T) {
	want := map[string]string{
		"get":      "GET pacs.example Mozilla/5.0 portal.example text/html 200 out 0 in 5 proxied 0 path 13 query 8 ",
		"post":     "POST a.example    201 out 7 in 0 proxied 0 path 6 query 0 exe",
		"chunked":  "GET pacs.example Mozilla/5.0 portal.example  200 out 0 in 11 proxied 0 path 13 query 8 ",
		"to_end":   "GET pacs.example Mozilla/5.0 portal.example video/mp4 200 out 0 in 300 proxied 0 path 13 query 8 ",
		"head":     "HEAD a.example    200 out 0 in 0 proxied 0 path 1 query 0 \n     404 out 0 in 1 proxied 0 path 0 query 0 ",
		"continue": "PUT a.example    204 out 3 in 0 proxied 0 path 2 query 0 ",
		"pipeline": "GET a.example    304 out 0 in 0 proxied 0 path 2 query 0 \nGET a.example    200 out 0 in 2 proxied 0 path 2 query 0 ",
		"proxy":    "GET b.example    502 out 0 in 0 proxied 1 path 6 query 0 zip",
		"bare_lf":  "GET a.example    200 out 0 in 1 proxied 0 path 1 query 0 ",
		"silent":   "GET a.example    0 out 0 in 0 proxied 0 path 1 query 0 ",
		"answers":  "     503 out 0 in 3 proxied 0 path 0 query 0 ",
		"odd":      `BREW <b>\001    0 out 0 in 0 proxied 0 path 8 query 0 `,
	}
	for name, talk := range talks() {
		t.Run(name, func(t *testing.T) {
			h := dt.RunProtocol(t, Kind, talk)
			if got := say(h.Batch); got != want[name] {
				t.Errorf("got\n%s\nwant\n%s", got, want[name])
			}
		})
	}
}

func say(b *event.Batch) string {
	var all []string
	for i := range b.Events {
		v := event.View{Batch: b, I: i}
		e := v.HTTP()
		all = append(all, fmt.Sprintf("%s %s %s %s %s %d out %d in %d proxied %d path %d query %d %s", v.Bytes(e.Method), v.Bytes(e.Host), v.Bytes(e.Agent),
			v.Bytes(e.Referrer), v.Bytes(e.Type), e.Status, e.BytesOut, e.BytesIn, e.Proxied, e.Path.Length, e.Query.Length, v.Bytes(e.Extension)))
	}
	return strings.Join(all, "\n")
}

// TestKeepsNoPatient checks that nothing of a path, a query or a body is kept.
func TestKeepsNoPatient(t *testing.T) {
	h := dt.Hear(t, Kind, tcp(
		dt.Client("POST /DOE^JANE/chart.pdf?ssn=078-05-1120 HTTP/1.1\r\nHost: a.example\r\nCookie: DOE^JANE\r\nAuthorization: Basic RE9FOkpBTkU=\r\nReferer: http://b.example/DOE^JANE\r\nContent-Length: 8\r\n\r\nDOE^JANE"),
		dt.Server("HTTP/1.1 200 DOE^JANE\r\nContent-Length: 8\r\nSet-Cookie: DOE^JANE\r\n\r\nDOE^JANE")))
	for _, secret := range []string{"DOE", "JANE", "078", "RE9F", "chart"} {
		if strings.Contains(string(h.Batch.Append(nil)), secret) {
			t.Errorf("%q is kept", secret)
		}
	}
}

func TestOtherProtocolsFollow(t *testing.T) {
	for name, said := range map[string][]dt.Said{
		"connect": {dt.Client("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n"), dt.Server("HTTP/1.1 200 Connection established\r\n\r\n"), dt.Client("\x16\x03\x01")},
		"upgrade": {dt.Client("GET / HTTP/1.1\r\nHost: b.example\r\nUpgrade: websocket\r\n\r\n"), dt.Server("HTTP/1.1 101 Switching Protocols\r\n\r\n"), dt.Server("\x81\x05hello")},
	} {
		h := dt.Hear(t, Kind, tcp(said...))
		if !h.Again || len(h.Batch.HTTP) != 1 || len(h.Rejected) > 0 {
			t.Errorf("%s: again %v, %d events, rejected %v", name, h.Again, len(h.Batch.HTTP), h.Rejected)
		}
	}
}

func TestRejected(t *testing.T) {
	get := dt.Client("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	for name, c := range map[string]struct {
		said []dt.Said
		want decode.Reason
	}{
		"no_answer": {[]dt.Said{get, dt.Server("SSH-2.0-x\r\n\r\n")}, noHead},
		"bad_chunk": {[]dt.Said{get, dt.Server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}, noChunk},
		"long_head": {[]dt.Said{dt.Client("GET / HTTP/1.1\r\nX: " + strings.Repeat("x", mostHead))}, longHead},
	} {
		if h := dt.Hear(t, Kind, tcp(c.said...)); len(h.Rejected) != 1 || h.Rejected[0] != c.want {
			t.Errorf("%s: rejected %v, want %v", name, h.Rejected, c.want)
		}
	}
}

func TestLost(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		lost uint32
		goes bool
		in   uint64
	}{
		"inside_a_body":  {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 50, true, 100},
		"past_its_end":   {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", 97, false, 3},
		"inside_a_chunk": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nabc", 50, true, 53},
		"to_the_end":     {"HTTP/1.1 200 OK\r\n\r\nabc", 1000, true, 1003},
		"between":        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 5, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{}
			var b event.Batch
			emit := event.NewEmit(nil)
			emit.Source(&b, "t", "s", "x")
			emit.Begin(1, 0, nil)
			talk := &decode.Talk{Flow: &packet.Flow{}, Time: 1}
			for from, data := range []string{"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", c.head} {
				if _, err := s.Data(talk, packet.Side(from), []byte(data), emit); err != nil {
					t.Fatal(err)
				}
			}
			if goes := s.Lost(talk, packet.Server, c.lost); goes != c.goes {
				t.Errorf("goes on: %v", goes)
			}
			if c.in == 100 {
				if _, err := s.Data(talk, packet.Server, make([]byte, 47), emit); err != nil {
					t.Error(err)
				}
			}
			s.End(talk, emit)
			if len(b.HTTP) != 1 || b.HTTP[0].BytesIn != c.in {
				t.Errorf("%+v", b.HTTP)
			}
		})
	}
}

func TestNotHTTP(t *testing.T) {
	for name, data := range map[string]string{
		"ssh": "SSH-2.0-OpenSSH_9\r\n", "smtp": "EHLO x.example\r\n", "tls": "\x16\x03\x01\x02\x00", "rtsp": "OPTIONS rtsp://x RTSP/1.0\r\n", "irc": "NICK x\r\n", "long": strings.Repeat("A", 40),
	} {
		if g := sniff(nil, packet.Client, []byte(data)); g == decode.Yes {
			t.Errorf("%s is taken for HTTP", name)
		}
	}
}

func Fuzz(f *testing.F) {
	var seeds []dt.Talk
	for _, t := range talks() {
		seeds = append(seeds, t)
	}
	dt.FuzzProtocol(f, Kind, seeds...)
}

// TestServerNamesItself: the program that answers is kept beside the event.
func TestServerNamesItself(t *testing.T) {
	h := dt.Hear(t, Kind, talks()["get"])
	v := event.View{Batch: h.Batch, I: 0}
	if x := v.Extras(); len(x) != 1 || v.String(x[0].Name) != "server" || v.String(x[0].Value) != "Apache/2.4 (Debian)" {
		t.Errorf("%d extras", len(x))
	}
}
