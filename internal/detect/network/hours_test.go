package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestHours(t *testing.T) {
	run(t, network.Hours, []scene{
		{Name: "busy_at_night", Finds: "busy hour", Tell: func(s *story) { beats(s, 3*hour, ann, detecttest.Server(1), minute, 0.5, 60, flow{Port: 445}) }},

		ordinary,
		{Name: "a_server_that_is_always_up", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				beats(s, midnight, "10.0.0.80", detecttest.Popular(0), 10*minute, 0.3, 144, flow{})
			})
		}},
		{Name: "half_an_hour_of_overtime", Quiet: true, Tell: func(s *story) { beats(s, 17*hour, ann, detecttest.Server(1), minute, 0.5, 30, flow{Port: 445}) }},
		{Name: "clocks_and_names_at_night", Quiet: true, Tell: func(s *story) {
			beats(s, 3*hour, ann, detecttest.Server(0), minute, 0, 60, flow{Port: 123, Protocol: "udp"})
			beats(s, 3*hour, ann, detecttest.Server(0), minute, 0, 60, flow{Port: 53, Protocol: "udp"})
		}},
		{Name: "nobody_answers_at_night", Quiet: true, Tell: func(s *story) {
			beats(s, 3*hour, ann, detecttest.Server(1), minute, 0, 60, flow{Port: 445, Outcome: event.Unanswered})
		}},
		{Name: "visited_at_night", Quiet: true, Tell: func(s *story) { beats(s, 3*hour, "10.0.0.80", ann, minute, 0, 1, flow{Port: 53}) }},
		{Name: "snapshots_at_night", Quiet: true, Tell: func(s *story) { beats(s, 3*hour, ann, rare, minute, 0, 60, flow{Open: true}) }},
	})
}
