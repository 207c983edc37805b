package network_test

import (
	"fmt"
	"testing"

	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/network"
	"vedette/internal/event"
)

func TestBruteForce(t *testing.T) {
	run(t, network.BruteForce, []scene{
		{Name: "guessing", Finds: "failed sign-ins", Tell: func(s *story) {
			for i := range 200 {
				s.Logon(11*hour+2*second*clock(i), ann, detecttest.Server(0), "admin", event.Failure)
			}
		}},
		{Name: "the_one_that_is_guessed_at", Finds: "failed sign-ins to it", Who: ben, Tell: func(s *story) {
			for i := range 300 {
				s.Logon(11*hour+2*second*clock(i), places(i%40), ben, "admin", event.Failure)
			}
		}},
		{Name: "spraying", Finds: "accounts tried in vain", Tell: func(s *story) {
			for i := range 60 {
				s.Logon(11*hour+20*second*clock(i), ann, detecttest.Server(0), fmt.Sprintf("user%d", 100+i), event.Failure)
			}
		}},
		{Name: "brief_sessions", Finds: "brief sessions with sign-in services", Tell: func(s *story) {
			beats(s, 11*hour, ann, detecttest.Server(0), 3*second, 0.2, 500, flow{Port: 22, Lasts: 2 * second})
		}},
		{Name: "signed_in_from_outside", Finds: "first sign-ins from outside", Who: detecttest.Server(2), Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range 20 {
					s.Logon(midnight+spread(s), detecttest.Colleague(i%12), detecttest.Server(2), "user", event.Success)
				}
				s.Logon(midnight+9*hour, "93.184.200.1", detecttest.Server(2), "remote", event.Success)
			})
			for i := range 4 {
				s.Logon(11*hour+minute*clock(i), places(i), detecttest.Server(2), "user1", event.Success)
			}
		}},
		{Name: "signed_in_from_inside", Finds: "first sign-ins from inside", Who: ben, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for range 20 {
					s.Logon(midnight+spread(s), ann, ben, "admin", event.Success)
				}
			})
			for i := range 6 {
				s.Logon(11*hour+minute*clock(i), machines(i), ben, "admin", event.Success)
			}
		}},

		ordinary,
		{Name: "typing_mistakes", Quiet: true, Tell: func(s *story) {
			for i := range 3 {
				s.Logon(9*hour+10*second*clock(i), ann, detecttest.Server(0), "user0", event.Failure)
			}
			s.Logon(9*hour+minute, ann, detecttest.Server(0), "user0", event.Success)
		}},
		{Name: "an_old_password_in_a_service_that_always_retries", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				for i := range 24 * 20 {
					s.Logon(midnight+3*minute*clock(i), "10.0.0.80", detecttest.Server(0), "svc", event.Failure)
				}
			})
		}},
		{Name: "a_monitor_that_always_knocks", Quiet: true, Tell: func(s *story) {
			s.Each(func(midnight clock) {
				beats(s, midnight, "10.0.0.80", detecttest.Server(0), minute, 0, 1439, flow{Port: 22})
			})
		}},
		{Name: "work_by_ssh", Quiet: true, Tell: func(s *story) {
			beats(s, 9*hour, ann, detecttest.Server(1), 20*minute, 0.5, 20, flow{Port: 22, Lasts: 10 * minute})
		}},
		{Name: "everybody_comes_to_work", Quiet: true, Tell: func(s *story) {
			for i := range detecttest.Colleagues {
				s.Logon(8*hour+minute*clock(i), detecttest.Colleague(i), detecttest.Server(0), fmt.Sprintf("user%d", i), event.Success)
			}
		}},
		{Name: "a_gateway_that_people_always_come_in_by", Quiet: true, Tell: func(s *story) {
			n := 0
			s.Each(func(midnight clock) {
				for range 40 {
					s.Logon(midnight+spread(s), places(n%90), "10.0.0.80", "user", event.Success)
					n += 1 + int(s.Random()*3)
				}
			})
		}},
		{Name: "web_requests_are_no_sessions", Quiet: true, Tell: func(s *story) { beats(s, 11*hour, ann, detecttest.Server(2), second, 0.2, 2000, flow{Port: 80}) }},
	})
}
