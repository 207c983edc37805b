package zeek

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"vedette/internal/decode"
	"vedette/internal/decode/decodetest"
	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// describe returns an event in words: everything in it that is not empty.
func describe(v event.View) string {
	h := v.Head()
	var s strings.Builder
	fmt.Fprintf(&s, "%v %s at %d", h.Type, v.String(h.Dataset), h.Time)
	end := func(name string, r entity.Ref) {
		if r.Key == 0 {
			return
		}
		fmt.Fprintf(&s, "\n  %s %v %v %s", name, r.Kind, r.Type, v.String(r.Name))
		if r.Port > 0 {
			fmt.Fprintf(&s, " port %d", r.Port)
		}
		if r.Local > 0 {
			fmt.Fprintf(&s, " local %v", r.Local == entity.Yes)
		}
	}
	end("subject", h.Subject)
	end("object", h.Object)
	if h.Link != 0 {
		s.WriteString("\n  linked")
	}
	if t := v.Record().Trust; t > 0 {
		fmt.Fprintf(&s, "\n  trust %d", t)
	}
	body := bodyOf(v)
	for i := range body.NumField() {
		name, f := body.Type().Field(i).Name, body.Field(i)
		if f.IsZero() {
			continue
		}
		switch x := f.Interface().(type) {
		case text.Ref:
			fmt.Fprintf(&s, "\n  %s %q", name, v.String(x))
		case event.Blind:
			fmt.Fprintf(&s, "\n  %s blind %d bytes", name, x.Length)
		case event.Texts:
			for _, r := range v.List(x) {
				fmt.Fprintf(&s, "\n  %s: %q", name, v.String(r))
			}
		default:
			fmt.Fprintf(&s, "\n  %s %v", name, x)
		}
	}
	for _, x := range v.Extras() {
		value, _, _ := strings.Cut(v.String(x.Value), " bytes #") // the hash depends on the key
		fmt.Fprintf(&s, "\n  + %s = %q", v.String(x.Name), value)
	}
	return s.String()
}

func bodyOf(v event.View) reflect.Value {
	var b any
	switch v.Head().Type {
	case event.FlowType:
		b = *v.Flow()
	case event.DNSType:
		b = *v.DNS()
	case event.HTTPType:
		b = *v.HTTP()
	case event.TLSType:
		b = *v.TLS()
	case event.LogonType:
		b = *v.Logon()
	case event.FileType:
		b = *v.File()
	case event.MailType:
		b = *v.Mail()
	case event.LeaseType:
		b = *v.Lease()
	case event.ControlType:
		b = *v.Control()
	case event.AlertType:
		b = *v.Alert()
	case event.SoftwareType:
		b = *v.Software()
	default:
		b = *v.Other()
	}
	return reflect.ValueOf(b)
}

// events decodes lines and describes what comes of them, and what was rejected.
func events(t testing.TB, lines string) string {
	t.Helper()
	r := decodetest.Decode(t, Kind, []byte(lines))
	var all []string
	for i := range r.Batch.Events {
		all = append(all, describe(event.View{Batch: r.Batch, I: i}))
	}
	for _, reason := range []decode.Reason{
		decode.NotJSON, decode.NotObject, decode.NoTime, decode.NoHeader, decode.WrongShape, badAddress, noLog, tooDeep,
	} {
		if n := r.Rejected[reason]; n > 0 {
			all = append(all, fmt.Sprintf("rejected %d: %s", n, reason))
		}
	}
	return strings.Join(all, "\n") + "\n"
}
