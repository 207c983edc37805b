package pcap

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vedette/internal/packet"
)

type sink struct {
	*packet.Table
	packets, others int
}

func (s *sink) Packet(p *packet.Packet)                        { s.packets++; s.Table.Packet(p) }
func (s *sink) Other(*packet.Other)                            { s.others++ }
func (s *sink) Said(*packet.Flow, packet.Side, []byte, uint32) {}
func (s *sink) Still(*packet.Flow)                             {}
func (s *sink) Closed(*packet.Flow)                            {}

func TestDir(t *testing.T) {
	dir := os.Getenv("CAPS")
	if dir == "" {
		t.Skip()
	}
	var sum packet.Counts
	var gone packet.Gone
	links := map[packet.Link]int{}
	files := 0
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "cap") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := Open(f)
		if err != nil {
			if strings.Contains(filepath.Base(path), ".pcap") {
				t.Logf("%s: %v", path, err)
			}
			return nil
		}
		files++
		all := map[packet.Link]*packet.Frames{}
		s := &sink{}
		s.Table = packet.NewTable(packet.DefaultLimits(), 1, s)
		n := uint64(0)
		for {
			g, err := r.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Logf("%s ends early after %d: %v", filepath.Base(path), n, err)
				}
				break
			}
			n++
			if all[g.Link] == nil {
				if all[g.Link], err = packet.NewFrames(g.Link); err != nil {
					links[g.Link]++
					continue
				}
			}
			all[g.Link].Frame(n, g.Time, g.Data, g.Length, s)
		}
		s.Close()
		for link, fr := range all {
			if fr == nil {
				continue
			}
			got := fr.Counts()
			if got.Broken > 0 || got.Strange > n/2 {
				t.Logf("%s (link %d): %+v, %d packets, %d others", filepath.Base(path), link, got, s.packets, s.others)
			}
			sum.Frames += got.Frames
			sum.Strange += got.Strange
			sum.Broken += got.Broken
			sum.Torn += got.Torn
			sum.Fragments += got.Fragments
			sum.Overlaps += got.Overlaps
			sum.Cut += got.Cut
		}
		g := s.Gone()
		gone.Flows += g.Flows
		gone.Wild += g.Wild
		gone.Bytes += g.Bytes
		gone.Overlaps += g.Overlaps
		return nil
	})
	t.Logf("%d captures: %+v, %+v, link types not read: %v", files, sum, gone, links)
}
