package analyze

import (
	"fmt"

	"vedette/internal/entity"
	"vedette/internal/finding"
)

// names answers what a report asks about entities and records.
type names struct{ *run }

// Name returns what people call an entity.
func (n names) Name(k entity.Key) string { return n.resolver.Directory.Name(k) }

// Kind returns what an entity is.
func (n names) Kind(k entity.Key) entity.Kind {
	kind, _ := n.resolver.Directory.Kind(k)
	return kind
}

// Addresses returns the network addresses of an entity, the latest first.
func (n names) Addresses(k entity.Key) []string {
	var all []string
	ids := n.resolver.Directory.Identifiers(k)
	for i := len(ids) - 1; i >= 0; i-- {
		if ids[i].Type == entity.IP {
			all = append(all, ids[i].Value)
		}
	}
	return all
}

// Where returns where a record stands, as show takes it.
func (n names) Where(ref finding.Ref) string {
	return fmt.Sprintf("%s#%d", n.machine.Source(ref.Source), ref.Position)
}
