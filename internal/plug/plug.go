// Package plug holds what every kind of plug-in has in common: a name, a
// sentence about itself, and membership of exactly one list.
package plug

import (
	"fmt"
	"slices"
	"strings"
)

// Info is what a plug-in says about itself. The manual, the console and the
// configuration check print it, so it is written for people.
type Info struct {
	Name    string // "network/beacon": the path of its file below its kind
	Summary string // one sentence, no period
}

// Plugin is anything that can describe itself.
type Plugin interface{ About() Info }

// Set is a fixed collection of plug-ins of one kind, in the order of its list.
type Set[P Plugin] struct{ all []P }

// NewSet returns the plug-ins as a set. Two plug-ins may not share a name.
func NewSet[P Plugin](all ...P) (Set[P], error) {
	seen := map[string]bool{}
	for _, p := range all {
		name := p.About().Name
		if name == "" || name != strings.ToLower(name) || seen[name] {
			return Set[P]{}, fmt.Errorf("plug-in name %q is empty, not lower case or used twice", name)
		}
		seen[name] = true
	}
	return Set[P]{slices.Clone(all)}, nil
}

// All returns the plug-ins in list order.
func (s Set[P]) All() []P { return slices.Clone(s.all) }
