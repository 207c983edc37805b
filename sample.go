package vedette

import "embed"

// Sample is the telemetry that `vedette demo` shows: nine days of a small clinic's network
// as Zeek would log them, and one intrusion, all of it made up by testdata/demo/generate.go.
// Its folders are testdata/demo/2026-03-02 and the days after it.
//
//go:embed testdata/demo/2026-*
var Sample embed.FS
