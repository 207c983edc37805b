package network_test

import (
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestVolume(t *testing.T) {
	const GiB = 1 << 30
	backup := func(s *story, last float64) {
		s.Each(func(midnight clock) {
			size := 5 * float64(GiB) * (0.8 + 0.4*s.Random())
			if midnight == 0 {
				size *= last
			}
			for i := range 10 {
				s.Flow(midnight+2*hour+minute*clock(i), detecttest.Server(1), "10.0.0.90", flow{Port: 10000, Out: uint64(size / 10)})
			}
		})
	}
	run(t, network.Volume, []scene{
		{Name: "theft_to_a_rare_place", Finds: "bytes sent to rare places", Tell: func(s *story) { beats(s, 11*hour, ann, rare, minute, 0, 20, flow{Out: 100 * mebi}) }},
		{Name: "theft_to_a_popular_place", Finds: "bytes sent outside", Tell: func(s *story) {
			beats(s, 11*hour, ann, detecttest.Popular(1), minute, 0, 20, flow{Out: 100 * mebi})
		}},
		{Name: "theft_at_night_in_small_parts", Finds: "bytes sent outside", Tell: func(s *story) { beats(s, 2*hour, ann, rare, 10*second, 0.3, 300, flow{Out: 3 * mebi}) }},
		{Name: "gathering_inside", Finds: "bytes sent inside", Tell: func(s *story) { beats(s, 13*hour, ann, ben, minute, 0, 30, flow{Port: 445, Out: 500 * mebi}) }},
		{Name: "fetching_everything", Finds: "bytes received", Tell: func(s *story) {
			beats(s, 13*hour, ann, detecttest.Server(1), minute, 0, 40, flow{Port: 445, In: GiB})
		}},
		{Name: "a_server_gives_it_away", Finds: "bytes served outside", Tell: func(s *story) {
			beats(s, 13*hour, rare, ann, minute, 0, 20, flow{Port: 8080, In: 500 * mebi})
		}},
		{Name: "thousands_of_conversations", Finds: "conversations begun", Tell: func(s *story) { beats(s, 13*hour, ann, detecttest.Popular(0), second/2, 0, 6000, flow{}) }},

		ordinary,
		{Name: "backup_at_night_as_always", Quiet: true, Tell: func(s *story) { backup(s, 1) }},
		{Name: "backup_half_as_large_again", Quiet: true, Tell: func(s *story) { backup(s, 1.5) }},
		{Name: "a_photo", Quiet: true, Tell: func(s *story) { s.Flow(11*hour, ann, rare, flow{Out: 900_000}) }},
		{Name: "snapshots_of_an_open_flow", Quiet: true, Tell: func(s *story) {
			for i := range 50 {
				s.Flow(9*hour, ann, rare, flow{Open: true, Out: uint64(i) * 100 * mebi, Lasts: 5 * minute * clock(i+1)})
			}
		}},
		{Name: "video_calls_as_always", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for h := range clock(8) {
					s.Flow(midnight+(8+h)*hour+10*minute, ann, detecttest.Popular(3), flow{Out: uint64(float64(150*mebi) * (0.5 + s.Random())), In: uint64(float64(200*mebi) * (0.5 + s.Random())), Lasts: 30 * minute})
				}
			})
		}},
		{Name: "a_server_that_serves_as_always", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range 200 {
					s.Flow(midnight+spread(s), places(i), "10.0.0.80", flow{In: 10 * mebi})
				}
			})
		}},
		{Name: "a_busy_day_twice_as_much", Quiet: true, Tell: func(s *story) {
			for i := range 80 {
				s.Flow(spread(s), ann, detecttest.Popular(i%6), flow{Out: 20_000, In: 100_000})
			}
		}},
		{Name: "nothing_said", Quiet: true, Tell: func(s *story) {
			for i := range 100 {
				s.Flow(9*hour+minute*clock(i), ann, rare, flow{Outcome: event.Refused, Port: uint16(i + 1)})
			}
		}},
		{Name: "update_that_all_fetch", Quiet: true, Tell: func(s *story) { // received from one place by all
			for i := range detecttest.Colleagues {
				s.Flow(10*hour+minute*clock(i), detecttest.Colleague(i), "93.184.200.1", flow{In: 50 * mebi})
			}
		}},
	})
}
