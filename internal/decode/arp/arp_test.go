package arp

import (
	"encoding/hex"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/event"
	"vedette/internal/packet"
)

func decoded(t testing.TB, payload string) (*event.Batch, error) {
	t.Helper()
	b, err := hex.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	var batch event.Batch
	emit := event.NewEmit([]byte("key"))
	emit.Source(&batch, "t", "s", "x")
	emit.Begin(1, event.Claimed, b)
	return &batch, message(&packet.Other{Time: 5, Payload: b}, emit)
}

const head = "0001080006040"

func TestMessages(t *testing.T) {
	for name, c := range map[string]struct {
		payload string
		message string // of a lease
		asks    bool
		want    error
	}{
		"answer":    {head + "002" + "0200000000010a000001" + "0200000000020a000002", "ARP", false, nil},
		"announces": {head + "001" + "0200000000010a000001" + "0000000000000a000001", "ARP", false, nil},
		"asks":      {head + "001" + "0200000000010a000001" + "0000000000000a000002", "", true, nil},
		"probes":    {head + "001" + "02000000000100000000" + "0000000000000a000002", "", false, nil},
		"padded":    {head + "002" + "0200000000010a000001" + "0200000000020a000002" + "000000000000000000", "ARP", false, nil},
		"short":     {head + "002" + "0200000000010a000001", "", false, short},
		"ipv6":      {"000186dd06040002" + "0200000000010a000001" + "0200000000020a000002", "", false, strange},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := decoded(t, c.payload)
			if err != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if (len(b.Leases) == 1) != (c.message != "") || (len(b.Others) == 1) != c.asks {
				t.Fatalf("%d leases, %d others", len(b.Leases), len(b.Others))
			}
			if c.message != "" {
				v := event.View{Batch: b}
				l := v.Lease()
				if v.String(l.Message) != c.message || v.String(l.Address) != "10.0.0.1" || v.String(l.MAC) != "02:00:00:00:00:01" || v.Head().Subject.Key == 0 {
					t.Errorf("address %s, MAC %s, message %s", v.Bytes(l.Address), v.Bytes(l.MAC), v.Bytes(l.Message))
				}
			}
		})
	}
}

func Fuzz(f *testing.F) {
	f.Add([]byte("\x00\x01\x08\x00\x06\x04\x00\x02\x02\x00\x00\x00\x00\x01\x0a\x00\x00\x01\x02\x00\x00\x00\x00\x02\x0a\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := decoded(t, hex.EncodeToString(data))
		if _, ok := err.(decode.Reason); err != nil && !ok {
			t.Errorf("rejected with %v", err)
		}
	})
}
