package learn

import "math"

// Rhythm tells whether contacts come at regular intervals, by how the logarithms of the
// intervals crowd together: whoever contacts at random (a Poisson process) can put no more
// than a quarter of them into one octave, while a timer with as much as 50 % jitter puts
// all of them there. The zero Rhythm has seen nothing.
//
// The method is ours; docs/design/learning.md compares it with RITA's score.
//
// Of the contacts within one hour only so many count: every loop is regular while it runs,
// be it a download or a guesser of passwords; what goes on for hours is a timer.
type Rhythm struct {
	Last  int64     // start of the last contact, Unix nanoseconds
	Bins  [80]uint8 // intervals by fifth of an octave, from 2 s
	Sizes [40]uint8 // bytes of a contact by half octave
	Count uint32    // contacts
	Mean  float32   // of log2 of the interval in seconds
	Seen  float32   // intervals in Bins, and less when they are halved
	Sized float32
	Hour  uint32 // number of the hour that In is of
	In    uint32 // intervals of that hour
}

const (
	apart    = 3.0  // seconds; contacts closer than that are one
	fifths   = 5    // bins an octave
	crowd12  = 0.42 // most that benign intervals put within 1.2 octaves; maths section 1(c)
	crowd06  = 0.28 // and within 0.6
	searched = 3.2  // nats paid for having looked at so many windows
)

// Contact takes note of a contact that started at the given time, Unix nanoseconds, and
// how much was said. Of each hour hourly intervals count at most.
func (r *Rhythm) Contact(at int64, bytes float64, hourly uint32) {
	if r.Count == 0 {
		r.Last, r.Count = at, 1
		r.size(bytes)
		return
	}
	if Same(r.Last, at) {
		return
	}
	d := float64(at-r.Last) / 1e9
	r.Count++
	r.Last = at
	if hour := uint32(at / 3600e9); hour != r.Hour {
		r.Hour, r.In = hour, 0
	}
	if r.In >= hourly {
		return
	}
	r.In++
	octave := math.Log2(d)
	i := clamp((octave-1)*fifths, 0, float64(len(r.Bins)-1))
	if r.Bins[int(i)] == math.MaxUint8 {
		r.halve()
	}
	r.Bins[int(i)]++
	r.Seen++
	r.Mean += float32((octave - float64(r.Mean)) / float64(min(r.Seen, 200)))
	r.size(bytes)
}

// Same reports whether a contact at a time, Unix nanoseconds, is one with the last one; also
// what comes late is.
func Same(last, at int64) bool { return float64(at-last)/1e9 < apart }

// size takes note of how much was said; nothing if that is not known.
func (r *Rhythm) size(bytes float64) {
	if bytes <= 0 {
		return
	}
	i := int(clamp(2*math.Log2(1+bytes), 0, float64(len(r.Sizes)-1)))
	if r.Sizes[i] == math.MaxUint8 {
		r.Sized = 0
		for j := range r.Sizes {
			r.Sizes[j] /= 2
			r.Sized += float32(r.Sizes[j])
		}
	}
	r.Sizes[i]++
	r.Sized++
}

func (r *Rhythm) halve() {
	r.Seen = 0
	for i := range r.Bins {
		r.Bins[i] /= 2
		r.Seen += float32(r.Bins[i])
	}
}

// Surprise returns how unlikely such regularity is by chance, in nats before calibration;
// 0 below 6 intervals.
func (r *Rhythm) Surprise() float64 {
	n := float64(r.Seen)
	if n < 6 {
		return 0
	}
	s := n * max(divergence(densest(r.Bins[:], 6)/n, crowd12), divergence(densest(r.Bins[:], 3)/n, crowd06))
	if s -= searched; s <= 0 {
		return 0
	}
	if sized := float64(r.Sized); sized >= 6 {
		s += 0.15 * min(sized, 60) * divergence(densest(r.Sizes[:], 2)/sized, 0.6)
	}
	return s
}

// Period returns the typical interval in seconds: the geometric mean.
func (r *Rhythm) Period() float64 { return math.Exp2(float64(r.Mean)) }

// densest returns the most that w neighbouring bins hold.
func densest(bins []uint8, w int) (most float64) {
	sum := 0
	for i, b := range bins {
		sum += int(b)
		if i >= w {
			sum -= int(bins[i-w])
		}
		most = max(most, float64(sum))
	}
	return most
}

// divergence is the Kullback-Leibler divergence of a coin with heads at rate o from one
// with rate p, in nats; 0 for o <= p.
func divergence(o, p float64) float64 {
	if o <= p {
		return 0
	}
	o = min(o, 0.9999)
	return o*math.Log(o/p) + (1-o)*math.Log((1-o)/(1-p))
}
