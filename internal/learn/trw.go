package learn

import "math"

// Trial is a sequential test between two ways to succeed at first contacts: threshold
// random walk (Jung et al. 2004), restarted at zero (Page's CUSUM), so that a long good
// record buys nothing. The value is the log-likelihood ratio of the run at hand: under the
// benign rate, the chance that a given run ever reaches s nats is at most exp(-s) (Wald).
type Trial float32

// How often a first contact succeeds: for those who know whom they want, and for those
// who feel their way. Both from Jung et al. 2004, section 4.
const (
	benignSuccess  = 0.8
	scannerSuccess = 0.2
)

// Step takes note of one first contact. Weight, 0 to 1, says how sure its outcome is.
func (t *Trial) Step(success bool, weight float64) {
	step := math.Log((1 - scannerSuccess) / (1 - benignSuccess))
	if success {
		step = math.Log(scannerSuccess / benignSuccess)
	}
	*t = Trial(max(0, float64(*t)+weight*step))
}

// Fade halves the run n times over: what was long ago is another run.
func (t *Trial) Fade(n float64) { *t = Trial(float64(*t) * math.Exp2(-n)) }
