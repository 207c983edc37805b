// Package all lists the decoders.
package all

import (
	"vedette/internal/decode"
	"vedette/internal/decode/eve"
	"vedette/internal/decode/zeek"
)

// Kinds returns every decoder.
func Kinds() []decode.Kind {
	return []decode.Kind{
		eve.Kind,
		zeek.Kind,
	}
}
