package daemon

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
)

// requests counts what people and programs ask, and attempts to sign in. The zero requests
// is ready.
type requests struct {
	lock    sync.Mutex
	asked   map[question]*durations
	signIns [outcomes]uint64
}

// question is a kind of request: which face, and what class of answer.
type question struct {
	face string
	code string // "2xx"
}

// durations is how long answers took.
type durations struct {
	within [len(bounds)]uint64 // up to that bound, and above the one before
	more   uint64
	sum    float64 // seconds
}

// bounds of durations, in seconds.
var bounds = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// How an attempt to sign in went.
const (
	entered  = iota
	refused  // the name, the password or the code was wrong
	deferred // too many were, so it was not looked at
	failed   // our mistake
	outcomes
)

var outcomeNames = [outcomes]string{"entered", "refused", "deferred", "failed"}

// tried counts an attempt to sign in.
func (q *requests) tried(err error) {
	how := failed
	switch k := fault.KindOf(err); {
	case err == nil:
		how = entered
	case k == fault.Denied || k == fault.Invalid || k == fault.NotFound:
		how = refused
	case k == fault.Unavailable:
		how = deferred
	}
	q.lock.Lock()
	defer q.lock.Unlock()
	q.signIns[how]++
}

// watch counts what next is asked. A stream of changes lasts as long as somebody watches, so
// its time is none of an answer's.
func (q *requests) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &answered{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		if !strings.HasPrefix(seen.Header().Get("Content-Type"), "text/event-stream") {
			q.count(question{faceOf(r.URL.Path), strconv.Itoa(seen.code/100) + "xx"}, time.Since(began).Seconds())
		}
	})
}

// faceOf returns which part answers a path.
func faceOf(path string) string {
	switch {
	case strings.HasPrefix(path, "/api/"):
		return "api"
	case path == "/health" || path == "/metrics":
		return "monitoring"
	}
	return "console"
}

func (q *requests) count(of question, took float64) {
	q.lock.Lock()
	defer q.lock.Unlock()
	if q.asked == nil {
		q.asked = map[question]*durations{}
	}
	d := q.asked[of]
	if d == nil {
		d = &durations{}
		q.asked[of] = d
	}
	d.sum += took
	for i, b := range bounds {
		if took <= b {
			d.within[i]++
			return
		}
	}
	d.more++
}

// measure returns what was counted.
func (q *requests) measure() []family {
	q.lock.Lock()
	defer q.lock.Unlock()
	all := []family{
		{"vedette_sign_ins_total", "counter", "Attempts to sign in since the program was started, by how they went.", nil},
		{"vedette_http_request_duration_seconds", "histogram", "How long answers took, by face and class of the answer.", nil},
	}
	for how, n := range q.signIns {
		all[0].rows = append(all[0].rows, one(float64(n), "outcome", outcomeNames[how])...)
	}
	for _, face := range []string{"api", "console", "monitoring"} {
		for class := 1; class <= 5; class++ {
			code := strconv.Itoa(class) + "xx"
			if d := q.asked[question{face, code}]; d != nil {
				all[1].rows = append(all[1].rows, d.rows("face", face, "code", code)...)
			}
		}
	}
	return all
}

// rows returns a histogram: buckets hold all that is below them, too.
func (d *durations) rows(labels ...string) (all []row) {
	n := uint64(0)
	bucket := func(bound string) {
		all = append(all, row{float64(n), append(labels[:len(labels):len(labels)], "le", bound), "_bucket"})
	}
	for i, b := range bounds {
		n += d.within[i]
		bucket(strconv.FormatFloat(b, 'g', -1, 64))
	}
	n += d.more
	bucket("+Inf")
	return append(all, row{d.sum, labels, "_sum"}, row{float64(n), labels, "_count"})
}

// answered notes what was answered.
type answered struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (a *answered) WriteHeader(code int) {
	a.code = code
	a.ResponseWriter.WriteHeader(code)
}

// Unwrap is for [http.ResponseController], by which streams are flushed.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }
