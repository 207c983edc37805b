// Package look is what the faces share of how things look: the colours, and pictures that
// are drawn here, need no script and print. A picture is plain SVG within HTML, placed in
// percent of the width and pixels of the height, so that it fits a phone and a desk; what
// it is called by telemetry is made visible and cut, and escaped by the template.
package look

import _ "embed"

// Tokens is a style sheet that gives the colours their names, for both themes: that of the
// system, unless the root element has data-theme light or dark. All pairs of ink on paper
// have a contrast of 4.5 or more (WCAG 2.2, 1.4.3).
//
//go:embed tokens.css
var Tokens string

// GraphStyle is the style sheet of [Graph].
//
//go:embed graph.css
var GraphStyle string

// GraphTemplate is a template for html/template that defines "graph", which draws a
// [Graph].
//
//go:embed graph.html
var GraphTemplate string
