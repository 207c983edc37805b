package console

import (
	"html"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
)

// paint paints the picture that a page holds, each square as so many points.
func paint(t rapid.TB, size int, path string, scale int) image.Image {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, size*scale, size*scale))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	runs := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
	if left := runs.ReplaceAllString(path, ""); left != "" {
		t.Fatalf("the path holds %q", left)
	}
	for _, r := range runs.FindAllStringSubmatch(path, -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(r[i+1]) // digits
		}
		for y := n[1] * scale; y < (n[1]+1)*scale; y++ {
			for x := n[0] * scale; x < (n[0]+n[2])*scale; x++ {
				m.SetGray(x, y, color.Gray{})
			}
		}
	}
	return m
}

// read reads a QR code.
func read(t rapid.TB, m image.Image) string {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	// There is nothing else in the picture. To find a code in a photograph is another art, and
	// this reader sometimes fails at it; zbar below does it too.
	r, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetText()
}

// TestQRCode takes the picture from the page where codes are turned on, reads it, and
// compares it with the secret beside it.
func TestQRCode(t *testing.T) {
	m := full(0)
	b := open(t, m, Options{}).as(m, "anna")
	page := b.get("/settings?codes=1")
	svg := regexp.MustCompile(`<svg class="qr" viewBox="0 0 (\d+) (\d+)"[^>]*>.*<path fill="#000" d="([^"]+)"`).FindStringSubmatch(page)
	text := regexp.MustCompile(`<code class="secret">([A-Z2-7 ]+)</code>`).FindStringSubmatch(page)
	if svg == nil || text == nil || svg[1] != svg[2] {
		t.Fatalf("no picture, or no secret beside it:\n%s", page)
	}
	if strings.Contains(page, " style=") || strings.Contains(page, "data:image") {
		t.Error("the page needs more than its policy allows")
	}
	size, err := strconv.Atoi(svg[1])
	if err != nil {
		t.Fatal(err)
	}
	picture := paint(t, size, html.UnescapeString(svg[3]), 5)
	address, err := url.Parse(read(t, picture))
	if err != nil {
		t.Fatal(err)
	}
	q := address.Query()
	if address.Scheme != "otpauth" || address.Host != "totp" || q.Get("secret") != strings.ReplaceAll(text[1], " ", "") || q.Get("issuer") != "Vedette St. Anna, Vienna" || !strings.HasSuffix(address.Path, ":anna") {
		t.Errorf("it holds %s", address)
	}
	t.Run("zbar", func(t *testing.T) { // a reader that nobody here wrote
		if _, err := exec.LookPath("zbarimg"); err != nil {
			t.Skip("zbarimg is not installed (Debian: zbar-tools)")
		}
		file := filepath.Join(t.TempDir(), "code.png")
		f, err := os.Create(file)
		if err == nil {
			err = png.Encode(f, picture)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file).Output() // what it says about a missing bus goes to the other
		if got := strings.TrimSpace(string(out)); err != nil || got != address.String() {
			t.Errorf("zbar reads %q, %v", got, err)
		}
	})
}

// Any text of a sensible length comes back.
func TestQRCode_any(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := "otpauth://totp/" + rapid.StringMatching(`[ -~]{1,200}`).Draw(t, "text")
		c, err := qrCode(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, paint(t, c.Size, c.Path, 3)); got != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
	})
	if _, err := qrCode(strings.Repeat("x", 5000)); err == nil {
		t.Error("a text too long became a picture")
	}
}
