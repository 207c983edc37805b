package daemon

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vedette/internal/console/browsertest"
)

// TestScreenshots takes the pictures of docs/screenshots when VEDETTE_SCREENSHOTS names
// the folder to put them in: `make screenshots`. What they show is a daemon that has read
// the demo, and nothing else.
func TestScreenshots(t *testing.T) {
	to := os.Getenv("VEDETTE_SCREENSHOTS")
	if to == "" {
		t.Skip("VEDETTE_SCREENSHOTS names no folder to put pictures in")
	}
	s := start(t, t.TempDir())
	b := s.browse()
	take := func(name, at string) {
		for _, w := range []struct {
			name          string
			width, height int64
			dark          bool
		}{{"desk-light", 1440, 900, false}, {"desk-dark", 1440, 900, true}, {"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true}} {
			b.Look(w.width, w.height, w.dark, true)
			b.Go(at)
			if err := os.WriteFile(filepath.Join(to, name+"-"+w.name+".png"), shrunk(t, b.Picture(false)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	take("setup", "/setup?code=XXXXX-XXXXX-XXXXX-XXXXX")
	take("login", "/login")
	p := typist{s, b}
	b.Look(1440, 900, false, true)
	p.setPassword()
	take("first-evening", "/")
	s.feed(demo(t))
	s.faces.tally.lock.Lock()
	s.faces.tally.reckoned = time.Time{} // what it says of itself may be some seconds old
	s.faces.tally.lock.Unlock()
	take("home", "/")
	take("incidents", "/incidents")
	take("hidden", "/incidents?pile=hidden")
	b.Look(1440, 900, false, true)
	b.Go("/incidents")
	at := browsertest.Ask[string](b, `document.querySelector("tbody .what a").getAttribute("href")`)
	take("incident", at)
	take("record", at+"?show=2#beside")
	who := browsertest.Ask[string](b, `document.querySelector(".who a").getAttribute("href")`)
	take("entity", who)
	for _, page := range []string{"entities", "sources", "settings", "help"} {
		take(page, "/"+page)
	}
	take("people", "/settings/people")
	take("audit", "/settings/audit")
	take("codes", "/settings?codes=1")
	take("search", "/search?q=static-assets")
}

// shrunk packs a picture into at most 40 colours. A page has few, but for the edges of
// letters: those that are seldom and much like one that is often become that one.
func shrunk(t *testing.T, picture []byte) []byte {
	t.Helper()
	in, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	all := image.NewRGBA(in.Bounds())
	draw.Draw(all, all.Bounds(), in, image.Point{}, draw.Src)
	many := map[color.RGBA]int{}
	for i := 0; i < len(all.Pix); i += 4 {
		many[color.RGBA{all.Pix[i], all.Pix[i+1], all.Pix[i+2], 255}]++
	}
	often := slices.SortedFunc(maps.Keys(many), func(a, b color.RGBA) int { // no two are equal
		return cmp.Or(many[b]-many[a], int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	apart := func(a, b color.RGBA) int {
		r, g, bl := int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B)
		return r*r + g*g + bl*bl
	}
	var palette color.Palette
	for _, c := range often {
		near := slices.ContainsFunc(palette, func(p color.Color) bool { return apart(p.(color.RGBA), c) < 18*18 })
		if exact := many[c] > 400; len(palette) < 40 && (exact || !near) {
			palette = append(palette, c)
		}
	}
	out := image.NewPaletted(in.Bounds(), palette)
	draw.Draw(out, out.Bounds(), all, image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
