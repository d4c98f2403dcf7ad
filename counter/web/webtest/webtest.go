package webtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Keys that have no printable sign, for [Page.Press].
const (
	Enter  = kb.Enter
	Escape = kb.Escape
	Tab    = kb.Tab
	Right  = kb.ArrowRight
)

// patience bounds every wait for the page; a wait that needs it has failed.
const patience = 3 * time.Minute

// Browsers are the names under which Chromium is installed, the first found is used.
var Browsers = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// Browser is one Chromium process with a fresh profile.
type Browser struct {
	ctx context.Context
}

// Start starts Chromium and stops it at the end of the test. Without a Chromium the test is skipped, or failed when
// the environment says CI=true.
func Start(t testing.TB) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("uses real parts; left out by -short")
	}
	path := find()
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Chromium found (looked for %v)", Browsers)
		}
		t.Skipf("no Chromium found (looked for %v); run make deps", Browsers)
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.WindowSize(1366, 768), chromedp.WSURLReadTimeout(patience),
	}
	// Names under .example reach this machine, as those of a counter in the local network do.
	opts = append(opts, chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"))
	for _, quiet := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		opts = append(opts, chromedp.Flag(quiet, true))
	}
	// Chromium is killed in the end and leaves what it keeps in the folder for temporary files.
	dir, err := os.MkdirTemp("", "tally-web")
	if err != nil {
		t.Fatal(err)
	}
	opts = append(opts, chromedp.Env("TMPDIR="+dir))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() { cancel(); stop(); _ = os.RemoveAll(dir) })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx: ctx}
}

func find() string {
	for _, name := range Browsers {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

// Page is one window with its own cookies. Its methods end the test when the page does not do what was asked.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// Open opens url in a window of its own, as a browser that has never been here.
func (b *Browser) Open(t testing.TB, url string) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	p := &Page{t: t, ctx: ctx}
	// The context of the first action owns the window, so that one must not have an end.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1366, 768)); err != nil {
		cancel()
		t.Fatalf("open a window: %v", err)
	}
	done := make(chan struct{})
	console := chromedp.Console(ctx)
	go func() {
		defer close(done)
		for m, err := range console {
			if err != nil {
				return
			}
			if m.Source == "network" {
				continue // the status of an answer; refusals are part of the work
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Source == "security" {
				p.note(fmt.Sprintf("%s %s (%s:%d)", m.Type, m.Text, m.URL, m.Line))
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	p.Go(url)
	return p
}

func (p *Page) note(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, s)
}

// Problems are the errors and violations of the content security policy that the console has shown so far.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v; console: %v", what, err, p.Problems())
	}
}

// Go navigates.
func (p *Page) Go(url string) {
	p.t.Helper()
	p.do("go to "+url, chromedp.Navigate(url))
}

// Size sets the size of the window's inside in CSS pixels.
func (p *Page) Size(width, height int64) {
	p.t.Helper()
	p.do("resize", chromedp.EmulateViewport(width, height))
}

// Press types keys one after the other into whatever has the focus, as a keyboard would.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.do("press keys", chromedp.KeyEvent(keys))
}

// Back goes to the element before the focused one, as Shift and Tab do.
func (p *Page) Back() {
	p.t.Helper()
	p.do("press Shift and Tab", chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift)))
}

// Click clicks the element with the mouse, once it is there and visible. The page may replace, hide or move the element after
// it was found and before the mouse is down on it; then it is looked for again. What the mouse would hit instead is spared.
func (p *Page) Click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("(%s)(%q)", aim, selector)), chromedp.Click(selector))
		gone := new(cdproto.Error)
		switch missed, lost := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean(window.webtestMissed?.())")); {
		case err == nil && (lost != nil || !missed): // a page that the click has left answers no more
			return
		case ctx.Err() != nil || err != nil && !errors.Is(err, chromedp.ErrInvalidDimensions) && !(errors.As(err, &gone) && gone.Code == goneNode):
			p.t.Fatalf("click %s: %v; console: %v", selector, err, p.Problems())
		}
	}
}

// aim keeps a click that begins outside of the element from the page; webtestMissed ends that and tells whether it was so.
const aim = `(selector) => {
	window.webtestMissed?.();
	let hit = false;
	const kinds = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];
	const watch = (e) => {
		if (e.type === "pointerdown") hit = e.target.closest(selector) !== null;
		if (!hit) { e.preventDefault(); e.stopImmediatePropagation(); }
	};
	for (const kind of kinds) window.addEventListener(kind, watch, true);
	window.webtestMissed = () => {
		for (const kind of kinds) window.removeEventListener(kind, watch, true);
		delete window.webtestMissed;
		return !hit;
	};
}`

// Hold presses the mouse on the middle of the element and lets it go there after meanwhile has ended.
func (p *Page) Hold(selector string, meanwhile func()) {
	p.t.Helper()
	at := Eval[input.DispatchMouseEventParams](p, fmt.Sprintf(`(() => { const e = document.querySelector(%q);
		e.scrollIntoView({ block: "nearest" });
		const r = e.getBoundingClientRect();
		return { x: r.x + r.width / 2, y: r.y + r.height / 2, button: "left", clickCount: 1 }; })()`, selector))
	mouse := func(what input.DispatchMouseEventType) {
		at.Type = what
		p.do(string(what)+" on "+selector, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, input.DispatchMouseEvent, at)
			return err
		}))
	}
	mouse(input.DispatchMouseEventTypeMousePressed)
	meanwhile()
	mouse(input.DispatchMouseEventTypeMouseReleased)
}

// goneNode is what Chromium answers about an element that the page does not have any more, before anything is clicked
// (JSON-RPC's "server error" of the DOM domain).
const goneNode = -32000

// Wait waits until the JavaScript expression is true, over navigations too. It is not before the page is loaded: a field may
// have the focus while the script that takes its keys has not run.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		poll := chromedp.Poll[bool](`document.readyState == "complete" && Boolean(`+expression+")", chromedp.WithPollingInterval(20*time.Millisecond),
			chromedp.WithPollingTimeout(patience))
		ok, err := chromedp.Run(ctx, poll)
		switch {
		case err == nil && ok:
			return
		case ctx.Err() != nil, err == chromedp.ErrPollingTimeout:
			p.t.Fatalf("waited in vain for %s; console: %v; page:\n%s", expression, p.Problems(), p.dump())
		}
	}
}

// WaitText waits until the element's visible text contains want.
func (p *Page) WaitText(selector, want string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("(document.querySelector(%q)?.innerText || '').includes(%q)", selector, want))
}

func (p *Page) dump() string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return s
}

// Eval returns the value of a JavaScript expression.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return v
}

// Text returns the visible text of an element, empty when there is none.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return Eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText || ''", selector))
}

// HTML returns the whole document as it is now.
func (p *Page) HTML() string {
	p.t.Helper()
	return Eval[string](p, "document.documentElement.outerHTML")
}

// Focus returns the id of the element that has the focus.
func (p *Page) Focus() string {
	p.t.Helper()
	return Eval[string](p, "document.activeElement ? document.activeElement.id : ''")
}

// Media makes the page look as on "screen" or as on paper ("print").
func (p *Page) Media(kind string) {
	p.t.Helper()
	p.do("show as "+kind, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind})
		return err
	}))
}

// Shot stores a picture of the window as dir/name.png; an empty dir stores nothing. Text that is hard to read in what would
// be pictured fails the test either way; see [Page.Faint].
func (p *Page) Shot(dir, name string) {
	p.t.Helper()
	for _, faint := range p.Faint() {
		p.t.Errorf("%s: contrast of %s", name, faint)
	}
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Fatalf("take picture %s: %v", name, err)
	}
}
