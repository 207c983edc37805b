package analyze

import (
	"context"
	"runtime"
	"time"

	decoders "vedette/internal/decode/all"
	"vedette/internal/event"
	"vedette/internal/intake"
	"vedette/internal/sorter"
	"vedette/internal/source/file"
)

// Files is telemetry in files: first they are found, then read, and then all events are
// there in one order. It is made by [Find] and has to be closed.
type Files struct {
	Sources []intake.Source // what became of each file, or member of an archive, after Read
	Events  uint64          // of all of them

	o      Options
	tree   *file.Tree
	sorter *sorter.Sorter
}

const defaultMemory = 2 << 30

// Find finds the files at and below the paths of the options.
func Find(ctx context.Context, o Options) (*Files, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	tree, err := file.Find(ctx, o.Paths)
	if err != nil {
		return nil, err
	}
	ahead := 0
	if o.Workers > 1 {
		ahead = 4
	}
	return &Files{o: o, tree: tree, sorter: sorter.New(sorter.Config{
		Dir: o.Temp, Budget: o.Memory, Writers: o.Workers, Ahead: ahead,
	})}, nil
}

// Read reads all of them, as events of a site; the key is the secret of the installation.
// What could not be read stands in Sources, and is no error.
func (f *Files) Read(ctx context.Context, site string, key []byte) error {
	var sinks []intake.Sink
	for _, w := range f.sorter.Writers() {
		sinks = append(sinks, w)
	}
	limits := file.DefaultLimits()
	limits.Temp = f.o.Temp
	stop := f.watch(func() Progress {
		return Progress{Reading: true, Done: f.tree.Done(), Total: f.tree.Size()}
	})
	defer stop()
	in := intake.Intake{Tenant: tenant, Site: site, Key: key, Decoders: decoders.Kinds(), Protocols: decoders.Protocols(), Frames: decoders.Frames()}
	var err error
	f.Sources, err = in.ReadAll(ctx, f.tree.Groups(limits), sinks)
	for _, src := range f.Sources {
		f.Events += src.Events
	}
	return err
}

// watch reports progress until the function it returns is called.
func (f *Files) watch(now func() Progress) (stop func()) {
	if f.o.Progress == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(250 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				f.o.Progress(now())
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// Sorted yields all events in order, in batches that are valid until yield returns. It
// ends with the first error of yield, or when ctx does.
func (f *Files) Sorted(ctx context.Context, yield func(*event.Batch) error) error {
	return f.sorter.Sorted(ctx, yield)
}

// Close removes what was put aside while sorting.
func (f *Files) Close() error { return f.sorter.Close() }
