// Package browsertest has a real browser look at the console, for tests. The browser is
// Chromium, driven through its own protocol, so that keys are keys and pages are laid out.
// A test fails for every error on the console of the browser, everything its content
// security policy had to stop, and every request to anybody but the server under test.
package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long something is waited for before the test fails.
const patience = 20 * time.Second

// Browser is a browser with one tab.
type Browser struct {
	testing.TB
	context  context.Context
	server   *url.URL
	lock     sync.Mutex
	troubles []string
}

// New starts a browser before a server ("http://127.0.0.1:8080"). Where no browser is
// installed the test is skipped. The browser ends with the test, which then fails if
// anything went wrong in it.
func New(t testing.TB, server string) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("Chromium is not installed, so no browser looks at the console")
	}
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // root has no other way; nothing but our own pages is opened
	}
	allocated, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocated)
	b := &Browser{TB: t, context: ctx, server: at}
	t.Cleanup(func() {
		end()
		free()
		for _, trouble := range b.Troubles() {
			t.Error(trouble)
		}
	})
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal("the browser did not start: ", err)
	}
	return b
}

// listen notes what must not happen.
func (b *Browser) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.trouble(fmt.Sprint("a script failed: ", e.ExceptionDetails.Text, " ", e.ExceptionDetails.URL, ":", e.ExceptionDetails.LineNumber))
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			b.trouble("the page wrote to the console: " + string(e.Type))
		}
	case *log.EventEntryAdded:
		if strings.HasPrefix(e.Entry.Text, "Failed to load resource: the server responded") {
			return // see below
		}
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity {
			b.trouble("the browser complains: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *network.EventResponseReceived: // what a page itself is answered with is for the test to judge
		if e.Response.Status >= 400 && e.Type != network.ResourceTypeDocument {
			b.trouble(fmt.Sprintf("what a page needs is answered by %d: %s", e.Response.Status, e.Response.URL))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ws") && u.Host != b.server.Host {
			b.trouble("a request to another host: " + e.Request.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.trouble("a dialog of a script: " + e.Message)
		go func() { _ = call(b.context, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}) }() // or everything waits for it
	}
}

func (b *Browser) trouble(what string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.troubles = append(b.troubles, what)
}

// Troubles returns what went wrong since it was last asked.
func (b *Browser) Troubles() []string {
	b.lock.Lock()
	defer b.lock.Unlock()
	all := b.troubles
	b.troubles = nil
	return all
}

// do runs actions, and ends the test if they fail or take too long.
func (b *Browser) do(act func(context.Context) error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.context, patience)
	defer cancel()
	if err := act(ctx); err != nil {
		b.Fatalf("the browser at %s: %v", b.Address(), err)
	}
}

// call runs a command that answers nothing.
func call[P any](ctx context.Context, c cdp.Command[P, cdp.Empty], params P) error {
	_, err := chromedp.Call(ctx, c, params)
	return err
}

// Go opens a page by its address and waits until it is loaded.
func (b *Browser) Go(path string) {
	b.Helper()
	b.do(func(ctx context.Context) error {
		return chromedp.Do(ctx, chromedp.Navigate(b.server.Scheme+"://"+b.server.Host+path))
	})
}

// Address returns the path and query of the page that is open.
func (b *Browser) Address() (at string) {
	at, _ = chromedp.Run(b.context, chromedp.Evaluate[string](`location.pathname + location.search`)) // in the middle of a change there is none
	return at
}

// Cookie gives the browser a cookie, such as that of a session.
func (b *Browser) Cookie(name, value string) {
	b.Helper()
	b.do(func(ctx context.Context) error {
		return call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: b.server.String(), SameSite: network.CookieSameSiteStrict})
	})
}

// Look sets the size of the window in CSS pixels, which of the two themes the system has,
// and whether it asks for little motion.
func (b *Browser) Look(width, height int64, dark, still bool) {
	b.Helper()
	theme, motion := "light", "no-preference"
	if dark {
		theme = "dark"
	}
	if still {
		motion = "reduce"
	}
	b.do(func(ctx context.Context) error {
		return errors.Join(
			call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600}),
			call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: motion}},
			}),
		)
	})
}

// Print shows the page as it would be printed, or no longer so.
func (b *Browser) Print(on bool) {
	b.Helper()
	media := ""
	if on {
		media = "print"
	}
	b.do(func(ctx context.Context) error {
		return call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media})
	})
}

// Ask returns the value of an expression of JavaScript, evaluated in the page. It is not
// bound by the policy of the page.
func Ask[T any](b *Browser, expression string) (value T) {
	b.Helper()
	b.do(func(ctx context.Context) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return value
}

// Says reports whether an expression is true.
func (b *Browser) Says(expression string) bool {
	b.Helper()
	return Ask[bool](b, `Boolean(`+expression+`)`)
}

// Until waits until an expression is true, also over the loading of another page.
func (b *Browser) Until(expression string) {
	b.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(15 * time.Millisecond) {
		yes, err := chromedp.Run(b.context, chromedp.Evaluate[bool](`document.readyState === "complete" && Boolean(`+expression+`)`))
		if err == nil && yes {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("%s has not become true at %s (%v):\n%s", expression, b.Address(), err, b.text())
		}
	}
}

func (b *Browser) text() (s string) {
	s, _ = chromedp.Run(b.context, chromedp.Evaluate[string](`document.body.innerText.slice(0, 2000)`)) // it is said beside another error
	return s
}

// Picture returns the page, or the part of it that the window shows, as PNG.
func (b *Browser) Picture(whole bool) (png []byte) {
	b.Helper()
	b.do(func(ctx context.Context) error {
		p := page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng}
		if whole {
			p.CaptureBeyondViewport = &whole
		}
		r, err := chromedp.Call(ctx, page.CaptureScreenshot, p)
		png = r.Data
		return err
	})
	return png
}

// quote writes a string as JavaScript does.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string that JSON cannot hold: %q", s))
	}
	return string(b)
}
