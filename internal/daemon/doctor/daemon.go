package doctor

import (
	"fmt"
	"time"
)

// rejects is which share of what a source sends may be rejected before that is worth saying.
const rejects = 0.01

// sources says which sources are not as they should be.
func sources(s Subject) (all []Line) {
	if s.Facts == nil {
		if len(s.Config.Feeds) == 0 {
			return one(Watch, "Name some under sources.", "none is configured")
		}
		return nil
	}
	for _, src := range s.Facts.Sources {
		switch {
		case src.Ill:
			all = append(all, Line{State: Act, Says: src.Name + ": " + src.Says})
		case src.Rate > rejects:
			all = append(all, one(Watch, "See the source's page for all reasons; vedette analyze on a sample names the records.", "%s: %.1f %% of its records are rejected, mostly because: %s", src.Name, 100*src.Rate, src.Why)...)
		case src.Lost > 0:
			all = append(all, one(Watch, "", "%s: %d records were lost since it is known", src.Name, src.Lost)...)
		}
	}
	switch {
	case len(all) > 0:
		return all
	case s.Facts.Feeds == 0:
		return one(Watch, "Name some under sources, then vedette reload.", "none is configured")
	case len(s.Facts.Sources) == 0:
		return one(Watch, "See whether the paths are right and the senders send here.", "%d are configured, and nothing has come yet", s.Facts.Feeds)
	}
	return one(OK, "", "all %d are as they should be", len(s.Facts.Sources))
}

// slow is how many entries of the log may wait to be learned before that is worth saying.
const slow = 200

// log checks the log, and how far learning is behind it.
func log(s Subject) []Line {
	f := s.Facts
	switch {
	case f == nil:
		return nil
	case f.LogLost != "":
		return one(Act, "Check the disk. Files are read again by themselves where they are still there.", "when it was opened, %s", f.LogLost)
	case f.Lag > slow:
		return one(Watch, "It catches up by itself, or this machine is too slow for what comes in. Nothing is lost meanwhile.", "%d entries wait to be learned", f.Lag)
	}
	return one(OK, "", "whole, and %s", bytes(f.LogBytes))
}

// events checks the event store.
func events(s Subject) []Line {
	f := s.Facts
	if f == nil {
		return nil
	}
	if n := len(f.Damaged); n > 0 {
		return one(Act, "Check the disk. What the log still holds is made again at the next start; for the rest there are backups.", "%d files are damaged and were put aside: %s", n, f.Damaged[n-1])
	}
	return one(OK, "", "all can be read: %d segments, %s", f.Segments, bytes(f.Stored))
}

// unsaved is how old the last snapshot may be.
const unsaved = 30 * time.Minute

// learning checks how far learning has come, and that it is saved.
func learning(s Subject) []Line {
	f := s.Facts
	switch {
	case f == nil:
		return nil
	case f.Failing != "":
		return one(Act, "Mend that; it is tried again all the time, and the log keeps everything until then.", "it cannot be saved: %s", f.Failing)
	case s.Now.Sub(f.Snapshot) > unsaved:
		return one(Watch, "A backup that is under way can be the reason. The log keeps everything until then.", "what was learned was saved last %s ago", s.Now.Sub(f.Snapshot).Round(time.Minute))
	case f.Learning < 1:
		return one(OK, "", "%.0f %% of the learning period has passed, %s of ours are active", 100*f.Learning, machines(f.Entities))
	}
	return one(OK, "", "up to date, %s of ours are active", machines(f.Entities))
}

func machines(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}

// budget checks whether the promise is kept: surfaced incidents that people judged benign.
func budget(s Subject) []Line {
	f := s.Facts
	if f == nil || f.Days == 0 || f.Entities == 0 {
		return nil
	}
	allowed := f.Budget * float64(f.Entities) / 1000 * float64(f.Days)
	says := fmt.Sprintf("in %d days %d incidents were surfaced, %d judged false, %d not judged yet; %.1f false ones are allowed", f.Days, f.Surfaced, f.False, f.Open, allowed)
	// A count that is allowed a mean of a goes above a + 3 sqrt(a) + 1 less than once in a hundred.
	if x := float64(f.False) - allowed - 1; x > 0 && x*x > 9*allowed {
		return one(Watch, "Lower the budget in Settings, or see what the false ones have in common.", "%s", says)
	}
	return one(OK, "", "%s", says)
}
