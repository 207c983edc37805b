// Package source defines where telemetry comes from: the [Item] that every source hands
// over, and the [Lines] that an item is read by. Each source is a package below this one.
//
// Nothing here knows formats. What an item holds is found out by whoever reads it.
package source

import (
	"context"
	"io"
)

// Item is one stream of telemetry, such as a file or a member of an archive.
type Item struct {
	// Name says where it is, as people and evidence name it: "path", or "archive!member".
	// It holds no control characters, and no other item of the same source has it.
	Name string
	// Reader gives its bytes, decompressed. It belongs to the source and is valid until
	// the visitor returns; it need not be read to its end. Its error says, for people,
	// why it ends early. Nil if Err or Skip is set.
	Reader io.Reader
	// Err is why it cannot be read at all.
	Err error
	// Skip is why the source knows, without looking inside, that it is no telemetry.
	Skip string
}

// Group is a run of items that can only be read one after the other, such as an archive.
// Different groups may be read at the same time.
type Group struct {
	Name string
	Size int64 // bytes on disk, as a measure of the work; 0 if not known
	// Each calls visit for each item, in an order that is always the same. It ends at the
	// first error of visit and returns it unchanged, or when ctx does. What is wrong with
	// an item is the item's Err, or its Reader's, and no error of Each.
	Each func(ctx context.Context, visit func(Item) error) error
}
