package narrate

import (
	"math"
	"strconv"

	"vedette/internal/finding"
)

// Step is one line of the arithmetic behind a number.
type Step struct {
	Sign  string // what is done with Value: "", "→", "×", "+", "−", "="
	Value string // three decimals
	What  string // in words
}

// Working returns how a finding's nats came about, so that it can be worked out by hand.
func Working(f finding.Finding) []Step {
	was := ""
	if f.Unit != "nats" { // else it is the surprise itself
		was = ": " + Quantity(f.Observed, f.Unit) + " was seen"
		if r := normal(f); r != "" {
			was += ", " + r
		}
	}
	rests := "with no history behind it"
	if f.History >= 1 {
		rests = "by " + Rounded(f.History) + " windows of its peers"
	}
	believed := "how much of it is believed while little is known"
	if f.Damping >= 1 {
		believed = "all of it is believed"
	}
	before := "nothing like it was said before"
	if f.Habit > 0 {
		before = "taken off, for the same was said before"
	}
	steps := []Step{
		{"", number(f.Native), "nats of surprise to the model" + was},
		{"→", number(f.Raw), "nats once calibrated, " + rests},
		{"×", number(f.Damping), believed},
		{"−", number(f.Habit), before},
		{"−", number(u1), "taken off always: one time in ten reaches that much"},
	}
	sum := f.Raw*f.Damping - f.Habit - u1
	if rest := f.Nats - sum; math.Abs(rest) >= 0.0005 {
		if sum < 0 && f.Nats == 0 {
			return append(steps, Step{"=", number(0), "nats, for nothing counts below zero"})
		}
		sign := "+"
		if rest < 0 {
			sign = "−"
		}
		steps = append(steps, Step{sign, number(math.Abs(rest)), "that none of the above explains"})
	}
	return append(steps, Step{"=", number(f.Nats), "nats, which is what counts"})
}

func number(x float64) string {
	s := strconv.FormatFloat(x, 'f', 3, 64)
	if s == "-0.000" {
		return "0.000"
	}
	return s
}
