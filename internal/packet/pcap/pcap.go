// Package pcap reads captures: pcap in all its variants, and pcapng.
//
// What a capture has is read as far as it goes. A file that ends in the middle of a frame,
// or has a record that cannot be, gives the frames before it and then an error that says so.
package pcap

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gopacket/gopacket/pcapgo"

	"vedette/internal/fault"
	"vedette/internal/packet"
)

// Frame is one frame of a capture. Data is valid until the next is read.
type Frame struct {
	Time   int64 // Unix nanoseconds
	Link   packet.Link
	Length int // on the wire, in bytes
	Data   []byte
}

// Reader reads the frames of a capture.
type Reader interface {
	// Next returns the next frame, or io.EOF at the end, or why it ends early.
	Next() (Frame, error)
}

// MaxFrame is the most that is taken of one frame, in bytes. No link has longer ones.
const MaxFrame = 1 << 20

// Is reports whether something that begins with head is a capture, or the beginning of one.
func Is(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	if _, _, ok := variant(head); ok {
		return true
	}
	order := head[min(8, len(head)):min(12, len(head))]
	return binary.BigEndian.Uint32(head) == section && (len(order) < 4 || string(order) == "\x1a\x2b\x3c\x4d" || string(order) == "\x4d\x3c\x2b\x1a")
}

const section = 0x0a0d0d0a // begins a pcapng file (draft-ietf-opsawg-pcapng, section 4.1)

// Open begins to read a capture.
func Open(r io.Reader) (Reader, error) {
	b := bufio.NewReaderSize(r, 1<<20)
	head, err := b.Peek(24)
	if !Is(head) {
		return nil, fault.New(fault.Invalid, "this is no capture")
	}
	if err != nil {
		return nil, fault.New(fault.Unreadable, "the capture ends within its first header")
	}
	if order, kind, ok := variant(head); ok {
		_, err := b.Discard(24)
		return &classic{b: b, order: order, variant: kind, link: packet.Link(order.Uint32(head[20:]) & 0x0fffffff), swapped: order.Uint16(head[6:]) < 3}, err
	}
	ng, err := pcapgo.NewNgReader(b, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return nil, fault.Wrap(fault.Unreadable, fmt.Errorf("this is no whole pcapng file: %w", err))
	}
	return &modern{ng}, nil
}

// kind is a variant of pcap.
type kind struct {
	perSecond int64 // of the fraction
	extra     int   // bytes between the header of a record and its frame
}

// variant returns how a pcap file is written (draft-ietf-opsawg-pcap, section 4; the third
// was that of A. Kuznetzov's patched libpcap).
func variant(head []byte) (binary.ByteOrder, kind, bool) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head) {
		case 0xa1b2c3d4:
			return order, kind{1e6, 0}, true
		case 0xa1b23c4d:
			return order, kind{1e9, 0}, true
		case 0xa1b2cd34:
			return order, kind{1e6, 8}, true
		}
	}
	return nil, kind{}, false
}

// classic reads pcap.
type classic struct {
	b       *bufio.Reader
	order   binary.ByteOrder
	variant kind
	link    packet.Link
	swapped bool // before version 2.3 the lengths stood the other way round
	failed  error
}

// Errors of captures that end early.
var (
	errCut     = errors.New("the capture ends in the middle of a frame")
	errStrange = errors.New("the capture is damaged: a frame would be longer than any is")
)

// Next implements [Reader].
func (c *classic) Next() (f Frame, err error) {
	if c.failed == nil {
		f, c.failed = c.next()
	}
	return f, c.failed
}

func (c *classic) next() (Frame, error) {
	head, err := c.b.Peek(16 + c.variant.extra)
	if err != nil {
		if len(head) > 0 && errors.Is(err, io.EOF) {
			return Frame{}, errCut
		}
		return Frame{}, err
	}
	at := int64(c.order.Uint32(head))*1e9 + int64(c.order.Uint32(head[4:]))*(1e9/c.variant.perSecond)
	n, length := c.order.Uint32(head[8:]), c.order.Uint32(head[12:])
	if c.swapped && n > length {
		n, length = length, n
	}
	if n > MaxFrame {
		return Frame{}, errStrange
	}
	if _, err := c.b.Discard(len(head)); err != nil {
		return Frame{}, err
	}
	f := Frame{Time: at, Link: c.link, Length: int(min(length, 1<<30))}
	if int(n) <= c.b.Size() {
		f.Data, err = c.b.Peek(int(n))
		_, skip := c.b.Discard(len(f.Data))
		err = errors.Join(err, skip)
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			return Frame{}, errCut
		}
		return Frame{}, err
	}
	f.Length = max(f.Length, len(f.Data))
	return f, nil
}

// modern reads pcapng.
type modern struct{ ng *pcapgo.NgReader }

// Next implements [Reader].
func (m *modern) Next() (Frame, error) {
	data, info, err := m.ng.ZeroCopyReadPacketData()
	if err != nil {
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return Frame{}, io.EOF
		}
		return Frame{}, ended(err)
	}
	i, err := m.ng.Interface(info.InterfaceIndex)
	if err != nil {
		return Frame{}, ended(err)
	}
	return Frame{Time: info.Timestamp.UnixNano(), Link: packet.Link(i.LinkType), Length: info.Length, Data: data}, nil
}

func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return fmt.Errorf("the capture is damaged: %w", err)
}
