package daemon

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"vedette/internal/api/desk"
	"vedette/internal/entity"
	"vedette/internal/fault"
	"vedette/internal/store/state"
)

// order returns how the state is to sort incidents.
func order(o desk.Order) (state.Order, error) {
	switch o.By {
	case "":
		return state.Order{Up: o.Up}, nil
	case "changed":
		return state.Order{By: state.ByUpdated, Up: o.Up}, nil
	case "sure":
		return state.Order{By: state.ByConfidence, Up: o.Up}, nil
	case "findings":
		return state.Order{By: state.ByFindings, Up: o.Up}, nil
	case "assignee":
		return state.Order{By: state.ByAssignee, Up: o.Up}, nil
	}
	return state.Order{}, noOrder("incidents", o)
}

func noOrder(what string, o desk.Order) error {
	return fault.New(fault.Invalid, fmt.Sprintf("%s cannot be sorted by %q", what, o.By))
}

// comparing returns what sorts entities. What is equal comes as it was seen
// last, and then by key, so that no two are equal in all.
func comparing(o desk.Order) (func(a, b found) int, error) {
	var by func(a, b found) int
	switch o.By {
	case "", "seen":
		by = func(a, b found) int { return cmp.Compare(a.To, b.To) }
	case "name":
		by = func(a, b found) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }
	case "kind":
		by = func(a, b found) int { return cmp.Compare(a.Kind, b.Kind) }
	case "learned":
		by = func(a, b found) int { return cmp.Compare(a.learned, b.learned) }
	default:
		return nil, noOrder("entities", o)
	}
	return func(a, b found) int {
		c := by(a, b)
		if !o.Up {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(b.To, a.To), cmp.Compare(a.key, b.key))
	}, nil
}

// place returns where a list of entities goes on: all that it can be sorted by. An entity
// that changes meanwhile may be met again, or missed; the others are not.
func place(e found) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(e.To))
	b = binary.BigEndian.AppendUint64(b, uint64(e.key))
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(e.learned))
	b = append(b, byte(e.Kind))
	return base64.RawURLEncoding.EncodeToString(append(b, e.name...))
}

func readPlace(cursor string) (e found, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 25 {
		return e, fault.New(fault.Invalid, "this is not the cursor of a list")
	}
	e.To, e.key = int64(binary.BigEndian.Uint64(b)), entity.Key(binary.BigEndian.Uint64(b[8:]))
	e.learned, e.Kind, e.name = math.Float64frombits(binary.BigEndian.Uint64(b[16:])), entity.Kind(b[24]), string(b[25:])
	return e, nil
}
