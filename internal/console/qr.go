package console

import (
	"fmt"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
)

// qrView is a QR code (ISO/IEC 18004) as a picture: the dark squares as one path, each of
// size 1. It is black on white in both themes, since not every reader takes the reverse.
type qrView struct {
	Size int // of the whole, with the quiet zone around the code
	Path string
}

// quietZone is the margin that section 9.1 of the standard asks for.
const quietZone = 4

// qrCode returns the QR code of a text. M mends 15 % of damage, which screens do not have
// and cameras make.
func qrCode(text string) (*qrView, error) {
	code, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8"})
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	m := code.GetMatrix()
	var path strings.Builder
	for y := range m.GetHeight() {
		for x := 0; x < m.GetWidth(); {
			n := 0
			for x+n < m.GetWidth() && m.Get(x+n, y) == 1 {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, n, n)
			}
			x += n + 1
		}
	}
	return &qrView{m.GetWidth() + 2*quietZone, path.String()}, nil
}
