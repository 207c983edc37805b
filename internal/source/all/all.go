// Package all lists the sources that go on. Files that are read once are no plug-in of
// this kind: package file reads them.
package all

import (
	"vedette/internal/source"
	"vedette/internal/source/push"
	"vedette/internal/source/syslog"
	"vedette/internal/source/tail"
)

// Kinds returns every source that goes on.
func Kinds() []source.Kind {
	return []source.Kind{
		push.Kind,
		syslog.Kind,
		tail.Kind,
	}
}
