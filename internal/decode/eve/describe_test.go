package eve

import (
	"fmt"
	"reflect"
	"strings"

	"vedette/internal/entity"
	"vedette/internal/event"
	"vedette/internal/text"
)

// describe says all there is in an event: "type subject > object {Field:value ...} [name=value ...]".
// Fields that are zero are left out.
func describe(v event.View) string {
	h := v.Head()
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s > %s {", h.Type, endpoint(v, h.Subject), endpoint(v, h.Object))
	body := bodyOf(v)
	n := 0
	for i := range body.NumField() {
		name, f := body.Type().Field(i).Name, body.Field(i)
		if f.IsZero() || name == "Spare" || name == "Number" { // Number says what Protocol does
			continue
		}
		if n++; n > 1 {
			b.WriteByte(' ')
		}
		switch x := f.Interface().(type) {
		case text.Ref:
			fmt.Fprintf(&b, "%s:%s", name, v.String(x))
		case event.Texts:
			var list []string
			for _, r := range v.List(x) {
				list = append(list, v.String(r))
			}
			fmt.Fprintf(&b, "%s:%q", name, list)
		case event.Blind:
			fmt.Fprintf(&b, "%s:%d", name, x.Length)
		default:
			fmt.Fprintf(&b, "%s:%v", name, x)
		}
	}
	b.WriteString("} [")
	for i, x := range v.Extras() {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%s", v.String(x.Name), v.String(x.Value))
	}
	b.WriteByte(']')
	return b.String()
}

func endpoint(v event.View, r entity.Ref) string {
	if r.Key == 0 {
		return "-"
	}
	if r.Port == 0 {
		return v.String(r.Name)
	}
	return fmt.Sprintf("%s/%d", v.String(r.Name), r.Port)
}

func bodyOf(v event.View) reflect.Value {
	var p any
	switch v.Head().Type {
	case event.FlowType:
		p = v.Flow()
	case event.DNSType:
		p = v.DNS()
	case event.HTTPType:
		p = v.HTTP()
	case event.TLSType:
		p = v.TLS()
	case event.LogonType:
		p = v.Logon()
	case event.FileType:
		p = v.File()
	case event.MailType:
		p = v.Mail()
	case event.LeaseType:
		p = v.Lease()
	case event.ControlType:
		p = v.Control()
	case event.AlertType:
		p = v.Alert()
	case event.SoftwareType:
		p = v.Software()
	default:
		p = v.Other()
	}
	return reflect.ValueOf(p).Elem()
}
