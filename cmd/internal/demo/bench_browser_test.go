package demo

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"tally/cmd/internal/cli"
	"tally/counter/web/webtest"
)

// BenchmarkEnterToReceipt is what the clerk waits for: from the second Enter to the receipt on the screen of a real
// browser, with the simulated card (its file written through at every command) and the ledger on this machine's disk.
func BenchmarkEnterToReceipt(b *testing.B) {
	o := cli.DemoOptions{Dir: b.TempDir(), Listen: "127.0.0.1:0", Lang: "en", Log: slog.New(slog.DiscardHandler)}
	d, err := New(b.Context(), o, "bench")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	p := login(b, webtest.Start(b), d.Node().URL())
	p.Press("i")
	var took []float64
	b.ResetTimer()
	for b.Loop() {
		p.Wait(`document.querySelector(".desk.ready") && !document.getElementById("amount").readOnly`)
		p.Press("1" + webtest.Enter)
		p.Wait(`document.querySelector(".quote")`)
		webtest.Eval[bool](p, `(() => {
			window.took = 0;
			addEventListener("keydown", (e) => { if (e.key == "Enter") window.pressed = performance.now(); }, {capture: true, once: true});
			new MutationObserver((_, o) => {
				if (document.querySelector(".receipt")) { window.took = performance.now() - window.pressed; o.disconnect(); }
			}).observe(document.getElementById("receipt"), {childList: true});
			return true;
		})()`)
		p.Press(webtest.Enter)
		p.Wait("window.took > 0")
		took = append(took, webtest.Eval[float64](p, "window.took"))
		p.Press(webtest.Escape)
		p.Press("s")
		p.Wait(`document.querySelector('#bench li[data-card="00001001"]').dataset.where == "meter"`)
		p.Press("u")
		p.Press("i")
		p.Wait(`document.querySelector('#bench li[data-card="00001001"]').dataset.where == "reader"`)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "ms-median")
	b.ReportMetric(took[len(took)*95/100], "ms-p95")
}
