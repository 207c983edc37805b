package network_test

import (
	"fmt"
	"testing"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/detecttest"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/input"
	"vedette/internal/pipeline"
)

// Words of the stories.
const (
	ann, ben = detecttest.Ann, detecttest.Ben
	rare     = "185.7.7.7" // a place outside that nobody knew
	second   = time.Second
	minute   = time.Minute
	hour     = time.Hour
	day      = 24 * time.Hour
	mebi     = 1 << 20
)

type (
	scene = detecttest.Scene
	story = detecttest.Story
	flow  = detecttest.Flow
)

// machine is the engine that detectors run in.
type machine struct{ *pipeline.Machine }

func (m machine) Apply(e input.Entry) ([]finding.Finding, []finding.Risk) {
	f := m.Machine.Apply(e)
	return f.Findings, f.Risks
}

func run(t *testing.T, k detect.Kind, scenes []scene) {
	t.Helper()
	detecttest.Run(t, k, func(k detect.Kind) detecttest.Engine { return machine{pipeline.New([]detect.Kind{k}, 1, 1)} }, scenes)
}

// machines is the i-th address of a network of ours that nobody uses.
func machines(i int) string { return fmt.Sprintf("10.0.%d.%d", 7+i/250, 1+i%250) }

// places is the i-th place outside that nobody knows.
func places(i int) string { return fmt.Sprintf("185.%d.%d.9", 10+i/250, 1+i%250) }

// spread returns a time within the working day, by chance.
func spread(s *story) time.Duration { return 8*hour + time.Duration(s.Random()*8*float64(hour)) }

// an ordinary day is silent for every detector.
var ordinary = scene{Name: "an_ordinary_day", Quiet: true, Tell: func(*story) {}}

func refused(port uint16) flow { return flow{Port: port, Outcome: event.Refused} }

// clock is a time of the story.
type clock = time.Duration

func dur(i int) time.Duration { return time.Duration(i) }

// beats tells of a timer: n conversations of one with another, with jitter.
func beats(s *story, from clock, who, to string, period clock, jitter float64, n int, f flow) {
	at := from
	for range n {
		s.Flow(at, who, to, f)
		at += clock(float64(period) * (1 + jitter*(2*s.Random()-1)))
	}
}
