package syslog

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"vedette/internal/event"
	"vedette/internal/source"
)

// message is one on its way, or a loss if it has a reason.
type message struct {
	peer   string
	app    string
	data   []byte
	trust  event.Trust
	reason string
	n      uint64
}

// listener has the sockets.
type listener struct {
	*feed
	ctx     context.Context // of the feed's one run
	queue   chan message    // closed by nobody
	losses  source.Out      // of watch
	packets []*packets
	streams []stream

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]string // and their peers
	peers  map[string]int      // connections of each
	unsent []message           // when it ended

	counting sync.Mutex
}

// stream is a listening socket.
type stream struct {
	net.Listener
	tls bool
}

// packets is a UDP socket.
type packets struct {
	*net.UDPConn
	dropped uint64 // by the kernel, as far as it was told
}

func (l *listener) listen() error {
	var c net.ListenConfig
	for _, a := range l.settings.UDP {
		p, err := c.ListenPacket(l.ctx, "udp", a)
		if err != nil {
			return err
		}
		u := p.(*net.UDPConn)
		l.packets = append(l.packets, &packets{UDPConn: u})
		_ = u.SetReadBuffer(rcvbuf) // the kernel may give less
		l.tell("udp", u.LocalAddr())
	}
	for _, a := range l.settings.TCP {
		s, err := c.Listen(l.ctx, "tcp", a)
		if err != nil {
			return err
		}
		l.streams = append(l.streams, stream{s, false})
		l.tell("tcp", s.Addr())
	}
	for _, a := range l.settings.TLS {
		s, err := c.Listen(l.ctx, "tcp", a)
		if err != nil {
			return err
		}
		l.streams = append(l.streams, stream{s, true})
		l.tell("tls", s.Addr())
	}
	return nil
}

func (l *listener) tell(network string, a net.Addr) {
	if l.ready != nil {
		l.ready(network, a)
	}
}

// serve starts the readers. They end when the sockets are closed.
func (l *listener) serve(readers *sync.WaitGroup, fail context.CancelCauseFunc) {
	for _, p := range l.packets {
		readers.Go(func() {
			if err := l.receive(p); err != nil {
				fail(err)
			}
		})
	}
	if len(l.packets) > 0 {
		readers.Go(l.watch)
	}
	for _, s := range l.streams {
		readers.Go(func() {
			if err := l.accept(s, readers); err != nil {
				fail(err)
			}
		})
	}
}

// close closes all sockets.
func (l *listener) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, p := range l.packets {
		_ = p.Close()
	}
	for _, s := range l.streams {
		_ = s.Close()
	}
	for c := range l.conns {
		_ = c.Close()
	}
}

// send puts a message on its way, and says whether anyone waits for more.
func (l *listener) send(m message) bool {
	select {
	case l.queue <- m:
		return true
	case <-l.ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unsent = append(l.unsent, m)
		return false
	}
}

// deliver parses a message and sends it.
func (l *listener) deliver(peer string, line []byte, trust event.Trust) bool {
	line = bytes.TrimRight(line, "\r\n\x00 ")
	if len(line) == 0 {
		return true
	}
	p := parse(line)
	data := bytes.Clone(p.data)
	for i, c := range data {
		if c == '\n' || c == '\r' { // a record is one line
			data[i] = ' '
		}
	}
	return l.send(message{peer: peer, app: clean(p.app), data: data, trust: trust})
}

func (l *listener) receive(p *packets) error {
	buf := make([]byte, maxMessage+1)
	var last netip.Addr
	var peer string
	for l.ctx.Err() == nil {
		n, from, err := p.ReadFromUDPAddrPort(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if from.Addr() != last || peer == "" {
			last, peer = from.Addr(), from.Addr().Unmap().WithZone("").String()
		}
		if !l.deliver(peer, buf[:n], event.Claimed) {
			return nil
		}
	}
	return nil
}

// watch tells what the kernel dropped, also while messages wait for the log.
func (l *listener) watch() {
	t := time.NewTicker(dropsEvery)
	defer t.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-t.C:
			l.count(l.losses.Lost)
		}
	}
}

// count tells what the kernel dropped since it was last asked.
func (l *listener) count(lost func(name, reason string, n uint64)) {
	l.counting.Lock()
	defer l.counting.Unlock()
	for _, p := range l.packets {
		if n := drops(p.UDPConn); n > p.dropped {
			lost("syslog/udp "+p.LocalAddr().String(), "dropped by the kernel, since it came too fast", n-p.dropped)
			p.dropped = n
		}
	}
}

func (l *listener) accept(s stream, readers *sync.WaitGroup) error {
	for {
		c, err := s.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // such as too many open files: it may pass
			select {
			case <-l.ctx.Done():
				return nil
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		peer := ""
		if a, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
			peer = a.Addr().Unmap().WithZone("").String()
		}
		if !l.enter(c, peer) {
			_ = c.Close()
			continue
		}
		readers.Go(func() {
			l.converse(c, peer, s.tls)
			l.leave(c)
		})
	}
}

// enter counts a connection, if there may be one more.
func (l *listener) enter(c net.Conn, peer string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= maxConns || l.peers[peer] >= maxPerPeer {
		return false
	}
	l.conns[c] = peer
	l.peers[peer]++
	return true
}

func (l *listener) leave(c net.Conn) {
	_ = c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	peer := l.conns[c]
	delete(l.conns, c)
	if l.peers[peer]--; l.peers[peer] == 0 {
		delete(l.peers, peer)
	}
}

// converse reads the messages of a connection.
func (l *listener) converse(c net.Conn, peer string, secure bool) {
	trust := event.Handshake
	conn := c
	if secure {
		t := tls.Server(c, l.tls)
		ctx, cancel := context.WithTimeout(l.ctx, l.slow)
		err := t.HandshakeContext(ctx)
		cancel()
		if err != nil {
			return
		}
		if len(t.ConnectionState().VerifiedChains) > 0 {
			trust = event.Authenticated
		}
		conn = t
	}
	f := newFrames(conn)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(idle)) // it fails only when it is closed
		if f.wait() != nil {
			return
		}
		_ = conn.SetReadDeadline(time.Now().Add(l.slow))
		line, err := f.next()
		switch {
		case err == nil:
			if !l.deliver(peer, line, trust) {
				return
			}
		case errors.Is(err, errLong):
			if !l.send(message{peer: "syslog/" + peer, reason: errLong.Error(), n: 1}) {
				return
			}
		default:
			if f.begun() && l.ctx.Err() == nil {
				l.send(message{peer: "syslog/" + peer, reason: "a message that broke off", n: 1})
			}
			return
		}
	}
}
