// Package analyze fits the parts together for the first job of the program: it reads
// files, brings their events into order, learns and detects as time goes by, and returns
// what there is to report.
//
//	files -> intake -> sorter -> resolve -> pipeline -> triage -> report
//
// The log of the always-on product is missing here, for files can be read again; all the
// rest of the path is the same.
package analyze

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"runtime"
	"slices"
	"time"

	decoders "vedette/internal/decode/all"
	detectors "vedette/internal/detect/all"
	"vedette/internal/event"
	"vedette/internal/finding"
	"vedette/internal/incident"
	"vedette/internal/intake"
	"vedette/internal/pipeline"
	"vedette/internal/report"
	"vedette/internal/resolve"
	"vedette/internal/rows"
	"vedette/internal/source"
	"vedette/internal/source/file"
	"vedette/internal/store/snapshot"
	"vedette/internal/triage"
)

// Options says what to analyze and how.
type Options struct {
	Paths   []string
	State   string         // folder of what was learned; empty: nothing is kept
	Budget  float64        // surfaced false incidents per 1,000 entities and day
	Own     []netip.Prefix // networks of the organisation, beside private ones
	Workers int            // 0 is one for each core
	Memory  int64          // bytes of events held in memory while sorting; 0 is 2 GiB
	Temp    string         // folder for what does not fit; empty is the system's
	Records bool           // have the records behind findings ready: files are read again for it
	// Progress, if set, is called a few times a second while it goes on.
	Progress func(Progress)
}

// Progress says how far the work is.
type Progress struct {
	Reading     bool  // the first half; then it learns
	Done, Total int64 // bytes read of all, or events learned of all
	Events      uint64
}

const tenant, site = "local", "local"

// run is one analysis.
type run struct {
	Options
	files    *Files
	resolver *resolve.Resolver
	machine  *pipeline.Machine
	timeline *pipeline.Timeline
	triage   *triage.Triage
	key      []byte
	learned  int64 // time up to which the state had learned before, Unix nanoseconds
	late     uint64
	done     uint64
}

// Run analyzes. An error means that there is nothing to report; what could not be read is
// part of the report.
func Run(ctx context.Context, o Options) (report.Report, error) {
	start := time.Now()
	r := &run{Options: o, triage: triage.New(), resolver: resolve.New(o.Own)}
	if r.Workers <= 0 {
		r.Workers = runtime.GOMAXPROCS(0)
	}
	r.machine = pipeline.New(detectors.Kinds(), o.Budget, r.Workers)
	r.timeline = pipeline.NewTimeline(r.machine)
	if err := r.load(); err != nil {
		return report.Report{}, err
	}
	if err := r.work(ctx); err != nil {
		return report.Report{}, err
	}
	if err := r.save(); err != nil {
		return report.Report{}, err
	}
	rep := r.report(ctx)
	rep.Seconds = time.Since(start).Seconds()
	return rep, nil
}

// work reads, sorts and learns.
func (r *run) work(ctx context.Context) error {
	var err error
	if r.files, err = Find(ctx, r.Options); err != nil {
		return err
	}
	if err = r.files.Read(ctx, site, r.key); err == nil {
		err = r.learn(ctx)
	}
	return errors.Join(err, r.files.Close())
}

// learn has every event resolved and applied, in order.
func (r *run) learn(ctx context.Context) error {
	shown := time.Now()
	err := r.files.Sorted(ctx, func(b *event.Batch) error {
		r.batch(b)
		if r.Progress != nil && time.Since(shown) > 250*time.Millisecond {
			shown = time.Now()
			r.Progress(Progress{Done: int64(r.done), Total: int64(r.files.Events), Events: r.done})
		}
		return nil
	})
	if err == nil && r.done > r.late {
		r.timeline.Tick(r.machine.At()+1, r.timeline.Now()+int64(pipeline.Window), r.found)
	}
	return err
}

// batch applies the events of a batch but those that were learned before.
func (r *run) batch(b *event.Batch) {
	r.done += uint64(len(b.Events))
	events := b.Events
	first, _ := slices.BinarySearchFunc(events, r.learned, func(e event.Envelope, t int64) int { return cmp.Compare(e.Time, t) })
	r.late += uint64(first)
	b.Events = events[first:]
	r.resolver.Resolve(b)
	r.timeline.Batch(r.machine.At()+1, b, r.found)
	b.Events = events
}

func (r *run) found(f *pipeline.Found) {
	r.triage.Take(f.Findings, f.Risks, r.machine.Learning(), r.machine.Members())
}

// load reads what was learned before, if there is a folder for it.
func (r *run) load() error {
	r.key = []byte("without a state folder there is nothing to keep from anybody")
	if r.State == "" {
		return nil
	}
	var err error
	if r.key, err = snapshot.Key(r.State); err != nil {
		return err
	}
	_, err = snapshot.Load(r.State, func(body []byte) error {
		in := rows.Reader{Src: body}
		if r.resolver.Read(&in); in.Err != nil {
			return errors.Join(errDamaged, in.Err)
		}
		rest, err := r.timeline.Load(in.Src)
		if err == nil && len(rest) > 0 {
			err = errDamaged
		}
		r.learned = r.timeline.Now()
		return err
	})
	return err
}

var errDamaged = errors.New("the snapshot is damaged")

// save writes what was learned. What comes next time must be later.
func (r *run) save() error {
	if r.State == "" || r.done == r.late {
		return nil
	}
	return snapshot.Save(r.State, r.timeline.Append(r.resolver.Append(nil)))
}

// report gathers what there is to say.
func (r *run) report(ctx context.Context) report.Report {
	rep := report.Report{
		Incidents: r.triage.Incidents(), Entities: r.machine.Members(), Events: int64(r.files.Events - r.late), Late: int64(r.late),
		Learning: r.machine.Learning(), Budget: r.Budget, Names: names{r},
	}
	for _, s := range r.files.Sources {
		src := report.Source{
			Path: s.Path, Format: s.Format, Records: int64(s.Records), Events: int64(s.Events), Rejected: int64(s.RejectedAll()),
			Reasons: map[string]int64{}, Datasets: map[string]int64{}, First: s.First, Last: s.Last, Status: s.Status.String(), Problem: s.Error,
		}
		if s.Status.Failed() {
			rep.Unread++
		}
		for why, n := range s.Rejected { // any order: it goes from map to map
			src.Reasons[string(why)] = int64(n.Count)
		}
		for name, n := range s.Datasets { // likewise
			src.Datasets[name] = int64(n)
		}
		rep.Records += src.Records
		rep.Rejected += src.Rejected
		rep.Sources = append(rep.Sources, src)
	}
	for _, in := range rep.Incidents {
		rep.Findings = append(rep.Findings, in.Findings...)
	}
	triage.Rank(rep.Findings)
	if r.Records {
		records := r.records(ctx, rep.Incidents)
		rep.Record = func(ref finding.Ref) []report.Field { return records[ref] }
	}
	return rep
}

// records reads again what incidents stand on, as far as a report shows it.
func (r *run) records(ctx context.Context, all []incident.Incident) map[finding.Ref][]report.Field {
	const most = 20000
	want := map[string]map[uint64]bool{}
	n := 0
	for _, in := range all {
		for _, f := range in.Findings {
			for _, ref := range f.Evidence {
				path := r.machine.Source(ref.Source)
				if want[path] == nil {
					want[path] = map[uint64]bool{}
				}
				if n++; n <= most {
					want[path][ref.Position] = true
				}
			}
		}
	}
	found := read(ctx, r.files.tree.Groups(file.DefaultLimits()), r.key, want)
	records := map[finding.Ref][]report.Field{}
	for _, in := range all {
		for _, f := range in.Findings {
			for _, ref := range f.Evidence {
				if got := found[r.machine.Source(ref.Source)].at(ref.Position, ref.Index); got != nil {
					records[ref] = got
				}
			}
		}
	}
	return records
}

// made is what was made of some records of a source, in order.
type made []madeEvent

type madeEvent struct {
	position uint64
	index    uint32
	fields   []report.Field
}

// at returns the kept fields of an event.
func (m made) at(position uint64, index uint32) []report.Field {
	for _, e := range m {
		if e.position == position && e.index == index {
			return e.fields
		}
	}
	return nil
}

// read decodes the records at some positions of some sources again.
func read(ctx context.Context, groups []source.Group, key []byte, want map[string]map[uint64]bool) map[string]made {
	found := map[string]made{}
	in := intake.Intake{Tenant: tenant, Site: site, Key: key, Decoders: decoders.Kinds(), Protocols: decoders.Protocols(), Frames: decoders.Frames()}
	for _, g := range groups {
		if !wanted(want, g.Name) {
			continue
		}
		err := g.Each(ctx, func(item source.Item) error {
			if positions := want[item.Name]; len(positions) > 0 && item.Reader != nil {
				in.Again(item, positions, func(v event.View) {
					found[item.Name] = append(found[item.Name], madeEvent{v.Record().Position, uint32(v.Head().Index), fieldsOf(v)})
				})
			}
			return nil
		})
		if err != nil {
			return found // ctx ended: what is missing is shown as such
		}
	}
	return found
}

// wanted reports whether something of a group is wanted: itself, or a member.
func wanted(want map[string]map[uint64]bool, group string) bool {
	for name := range want { // in any order: one is enough
		if name == group || len(name) > len(group) && name[:len(group)] == group && name[len(group)] == '!' {
			return true
		}
	}
	return false
}
