package daemon

import (
	"testing"
	"time"
)

func TestClockIsWatched(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var c condition
	c.passed(time.Second, time.Second, now)
	c.passed(time.Second+10*time.Millisecond, time.Second, now)
	if s := c.look(); s.jumped != 0 {
		t.Errorf("a steady clock jumped by %v", s.jumped)
	}
	c.passed(-time.Hour, time.Second, now)
	c.passed(2*time.Second, time.Second, now.Add(time.Minute)) // smaller
	if s := c.look(); s.jumped != -time.Hour-time.Second || !s.jumpedAt.Equal(now) {
		t.Errorf("it jumped by %v at %v", s.jumped, s.jumpedAt)
	}
	c.tick(time.Now())
	c.tick(time.Now().Add(time.Minute)) // a long pause is no jump
	if s := c.look(); s.jumped != -time.Hour-time.Second {
		t.Errorf("it jumped by %v", s.jumped)
	}
}

func TestCondition(t *testing.T) {
	var c condition
	now := time.Now()
	if !c.alive(time.Second, now) {
		t.Error("it is dead before it began")
	}
	c.tick(now)
	if !c.alive(time.Second, now) || c.alive(time.Second, now.Add(2*time.Second)) {
		t.Error("whether it is alive is told wrong")
	}
}
