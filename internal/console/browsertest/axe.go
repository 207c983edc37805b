package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core, which finds what keeps people out of a page. Its licence lies beside it.
//
//go:embed axe/axe.min.js
var axe string

// barrier is what axe found.
type barrier struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Nodes  []struct {
		Target []any  `json:"target"`
		HTML   string `json:"html"`
		Why    string `json:"failureSummary"`
	} `json:"nodes"`
}

// everything are the groups of rules that are held: WCAG 2.2 at levels A and AA, and what
// is good practice.
var everything = []string{"wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"}

// Barriers returns what in the open page keeps people out, of that which is serious or
// worse, by the rules of WCAG 2.2 at levels A and AA that a program can check, or by some
// rules of axe alone. It is found in a world of its own, so that the page and its policy are as
// they are.
func (b *Browser) Barriers(rules ...string) (all []string) {
	b.Helper()
	if len(rules) == 0 {
		rules = everything
	}
	only, err := json.Marshal(rules)
	if err != nil {
		b.Fatal(err)
	}
	run := `axe.run(document, {resultTypes: ["violations"], runOnly: ` + string(only) + `}).then((r) => r.violations)`
	var found []barrier
	b.do(func(ctx context.Context) (err error) {
		tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
		if err != nil {
			return err
		}
		within := func(p *runtime.EvaluateParams) { p.ContextID = world.ExecutionContextID }
		if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](axe, within)); err != nil {
			return fmt.Errorf("reading axe: %w", err)
		}
		found, err = chromedp.Run(ctx, chromedp.Evaluate[[]barrier](run, within, chromedp.EvalAwaitPromise))
		return err
	})
	for _, f := range found {
		if f.Impact != "serious" && f.Impact != "critical" {
			continue
		}
		for _, n := range f.Nodes {
			all = append(all, fmt.Sprintf("%s (%s): %v %.200s\n\t%s", f.ID, f.Impact, n.Target, n.HTML, strings.ReplaceAll(n.Why, "\n", " ")))
		}
	}
	return all
}
