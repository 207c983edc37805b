// Package smtp decodes the Simple Mail Transfer Protocol (RFC 5321), with pipelining (RFC
// 2920), chunks (RFC 3030), signing in (RFC 4954) and the step to TLS (RFC 3207). Each
// message makes one event, when the server says what it made of it; so does a session that
// moved none. Attachments make events of files, and signing in makes one of its own.
//
// Of messages nothing is kept but what the decoders of mail logs keep too: addresses, the
// length and hash of the subject, the extensions of attachments.
package smtp

import (
	"bytes"
	"strconv"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
	"vedette/internal/plug"
)

// Kind is the decoder.
var Kind = decode.Protocol{
	Info:  plug.Info{Name: "smtp", Summary: "Mail on its way: who writes to whom, attachments, and who signs in to send it"},
	Makes: []event.Type{event.MailType, event.FileType, event.LogonType},
	Over:  []uint8{packet.TCP},
	Ports: []uint16{25, 26, 465, 587, 2525},
	Sniff: sniff,
	New:   func() decode.Stream { return &stream{} },
}

const (
	mostQueue   = 256 // commands that wait for answers
	mostWaiting = 16  // messages that do
	mostAddress = 320 // RFC 5321, section 4.5.3.1
	mostPeople  = 256
)

// sniff recognises a greeting that says what it is, and the commands that begin a session.
// A greeting that does not may be one of FTP: then the client decides.
func sniff(_ *packet.Flow, from packet.Side, head []byte) decode.Guess {
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if from == packet.Client {
		return sniffClient(line, whole)
	}
	if n := min(len(line), 3); n < 3 && (string(line) == "220"[:n] || string(line) == "554"[:n] || string(line) == "421"[:n]) && !whole {
		return decode.Maybe
	}
	code, _ := decode.ReplyCode(line)
	switch {
	case code != 220 && code != 554 && code != 421:
		return decode.No
	case whole && code == 220 && (bytes.Contains(line, []byte("SMTP")) || bytes.Contains(line, []byte("LMTP"))):
		return decode.Yes
	}
	return decode.Maybe
}

func sniffClient(line []byte, whole bool) decode.Guess {
	for _, verb := range [...]string{"EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "AUTH LOGIN", "AUTH PLAIN"} {
		n := min(len(line), len(verb))
		switch {
		case !bytes.EqualFold(line[:n], []byte(verb[:n])):
		case n == len(verb):
			return decode.Yes
		case !whole:
			return decode.Maybe
		}
	}
	switch word, _ := decode.Word(bytes.TrimRight(line, "\r")); {
	case !whole && len(line) > 16:
		return decode.No
	case !whole, bytes.EqualFold(word, []byte("EHLO")), bytes.EqualFold(word, []byte("NOOP")),
		bytes.EqualFold(word, []byte("RSET")), bytes.EqualFold(word, []byte("QUIT")), bytes.EqualFold(word, []byte("STARTTLS")):
		return decode.Maybe
	}
	return decode.No
}

// stream is one session.
type stream struct {
	lines   [2]decode.Lines
	phase   phase
	gap     bool   // in the message at hand: its end may be lost
	left    uint64 // bytes of the chunk
	last    bool   // that it is the last one
	queue   []command
	helo    []byte
	reply   int // the code of the last answer
	mail    mail
	waiting []mail // whose end was seen, and no answer
	told    uint64 // messages
	spoke   bool   // the client did
	anew    bool   // it said hello again while a message was begun
	auth    attempt
}

// phase is what a client's next bytes are.
type phase uint8

const (
	commands phase = iota
	asked          // to send a message: commands if the server refuses
	message
	chunk
	responses // to challenges
)

// command is what an answer is awaited for.
type command uint8

const (
	other command = iota
	hello
	data
	end // of a message
	authenticate
	startTLS
)

// Data implements [decode.Stream].
func (s *stream) Data(t *decode.Talk, from packet.Side, said []byte, emit *event.Emit) (used int, err error) {
	for used < len(said) && !t.Again {
		if from == packet.Client && s.phase == chunk {
			used += s.chunk(t, said[used:], emit)
			continue
		}
		line, n, ok := s.lines[from].Next(said[used:])
		if used += n; !ok {
			break
		}
		if from == packet.Server {
			s.answer(t, line, emit)
		} else {
			s.line(t, line, emit)
		}
	}
	return used, nil
}

// line takes a line of the client.
func (s *stream) line(t *decode.Talk, line []byte, emit *event.Emit) {
	s.spoke = true
	switch s.phase {
	case asked: // it does not wait for the answer, or the answer was not seen
		s.phase = message
		fallthrough
	case message:
		if len(line) == 1 && line[0] == '.' {
			s.ended(t, emit)
			return
		}
		if len(line) > 0 && line[0] == '.' { // RFC 5321, section 4.5.2
			line = line[1:]
		}
		s.mail.content.line(line)
	case responses:
		s.auth.response(line)
		s.phase = commands
	case commands, chunk:
		s.command(t, line, emit)
	}
}

// ended takes note of the end of a message.
func (s *stream) ended(t *decode.Talk, emit *event.Emit) {
	s.phase, s.gap = commands, false
	if len(s.waiting) == mostWaiting {
		s.tell(t, &s.waiting[0], emit)
		s.waiting = append(s.waiting[:0], s.waiting[1:]...)
	}
	s.mail.content.close()
	s.waiting = append(s.waiting, s.mail)
	s.mail = mail{}
	s.await(end)
}

// await takes note that an answer is awaited. Where there are none, the oldest is forgotten.
func (s *stream) await(c command) {
	if len(s.queue) == mostQueue {
		s.queue = append(s.queue[:0], s.queue[1:]...)
	}
	s.queue = append(s.queue, c)
}

func (s *stream) command(t *decode.Talk, line []byte, emit *event.Emit) {
	verb, rest := decode.Word(line)
	var room [16]byte
	switch string(bytes.ToUpper(append(room[:0], verb[:min(len(verb), 16)]...))) {
	case "HELO", "EHLO", "LHLO":
		if len(rest) > 0 {
			s.helo = clip(rest, 255)
		}
		s.anew = s.mail.begun
		s.await(hello)
		return
	case "MAIL":
		s.flush(t, emit)
		s.mail.begun, s.mail.from = true, path(rest, "FROM:")
	case "RCPT":
		s.mail.begun = true
		if to := path(rest, "TO:"); len(to) > 0 && len(s.mail.to) < mostPeople {
			s.mail.to = append(s.mail.to, to)
		}
	case "DATA":
		s.phase = asked
		s.await(data)
		return
	case "BDAT":
		s.bdat(t, rest, emit)
		return
	case "RSET":
		s.flush(t, emit)
	case "AUTH":
		s.auth = begin(rest)
		s.await(authenticate)
		return
	case "STARTTLS":
		s.await(startTLS)
		return
	}
	s.await(other)
}

// path returns the address of a path with its parameters (RFC 5321, section 4.1.2).
func path(rest []byte, word string) []byte {
	if len(rest) < len(word) || !bytes.EqualFold(rest[:len(word)], []byte(word)) {
		return nil
	}
	return mailbox(rest[len(word):])
}

// bdat takes the command before a chunk (RFC 3030, section 2).
func (s *stream) bdat(t *decode.Talk, rest []byte, emit *event.Emit) {
	size, tail := decode.Word(rest)
	n, err := strconv.ParseUint(string(size), 10, 62)
	if last := bytes.EqualFold(tail, []byte("LAST")); err == nil && (last || len(tail) == 0) {
		s.mail.begun = true
		s.left, s.last, s.phase = n, last, chunk
		if s.chunk(t, nil, emit); !last {
			s.await(other)
		}
		return
	}
	s.await(other)
}

// chunk takes bytes of a chunk.
func (s *stream) chunk(t *decode.Talk, said []byte, emit *event.Emit) int {
	n := int(min(s.left, uint64(len(said))))
	s.left -= uint64(n)
	s.mail.content.piece(said[:n])
	if s.left == 0 {
		if s.phase = commands; s.last {
			s.ended(t, emit)
		}
	}
	return n
}

// answer takes a line of the server.
func (s *stream) answer(t *decode.Talk, line []byte, emit *event.Emit) {
	code, more := decode.ReplyCode(line)
	waits := len(s.queue) > 0
	if code == 0 || more || code == 220 && (!waits || s.queue[0] != startTLS) { // 220 is the greeting
		return
	}
	s.reply = code
	if !waits {
		if s.gap && s.phase == message && code != 354 { // the end of it was lost
			s.ended(t, emit)
		} else {
			return
		}
	}
	c := s.queue[0]
	if c == authenticate && code == 334 { // a challenge
		s.phase = responses
		return
	}
	s.queue = append(s.queue[:0], s.queue[1:]...)
	s.answered(t, c, code, emit)
}

func (s *stream) answered(t *decode.Talk, c command, code int, emit *event.Emit) {
	switch c {
	case hello:
		if code == 250 && s.anew { // the server forgets what was begun (RFC 5321, section 4.1.4)
			s.flush(t, emit)
		}
		s.anew = false
	case data:
		switch pending := s.phase == asked || s.phase == message; {
		case pending && code < 400:
			s.mail.begun, s.phase = true, message
		case pending:
			s.phase = commands
		}
	case end:
		if len(s.waiting) > 0 {
			s.waiting[0].reply = code
			s.tell(t, &s.waiting[0], emit)
			s.waiting = append(s.waiting[:0], s.waiting[1:]...)
		}
	case authenticate:
		if s.auth.tell(t, code, emit); s.phase == responses {
			s.phase = commands
		}
	case startTLS:
		if code == 220 {
			s.mail.tls = 1
			s.mail.reply = code
			s.tell(t, &s.mail, emit)
			t.Again = true
		}
	case other:
	}
}

// Lost implements [decode.Stream]: inside a message nothing is lost but what is not kept.
func (s *stream) Lost(_ *decode.Talk, from packet.Side, n uint32) bool {
	switch {
	case from == packet.Server:
	case s.phase == message:
		s.gap = true
		return true
	case s.phase == chunk && uint64(n) < s.left:
		s.left -= uint64(n)
		return true
	}
	return false
}

// End implements [decode.Stream].
func (s *stream) End(t *decode.Talk, emit *event.Emit) {
	for i := range s.waiting {
		s.tell(t, &s.waiting[i], emit)
	}
	s.waiting = nil
	s.mail.content.close()
	if s.flush(t, emit); s.told == 0 && s.spoke {
		s.mail.reply = s.reply
		s.tell(t, &s.mail, emit)
	}
}

// flush tells of a message that was begun and came to nothing.
func (s *stream) flush(t *decode.Talk, emit *event.Emit) {
	if s.mail.begun {
		s.mail.reply = s.reply
		s.tell(t, &s.mail, emit)
		s.mail = mail{}
	}
}

// clip returns a copy of so much of s as is kept.
func clip(s []byte, most int) []byte { return bytes.Clone(s[:min(len(s), most)]) }
