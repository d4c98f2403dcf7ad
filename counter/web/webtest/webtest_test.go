package webtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sample = `<!doctype html><title>t</title><input id=a autofocus><p id=b></p>
<script>document.getElementById("a").onkeydown = (e) => { document.getElementById("b").textContent += "[" + e.key + "]" }</script>`

func TestPage(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(sample))
	}))
	t.Cleanup(srv.Close)
	p := Start(t).Open(t, srv.URL)
	p.Wait(`document.activeElement.id == "a"`)
	p.Press("1" + Enter + Escape)
	p.WaitText("#b", "[1][Enter][Escape]")
}

// An element that is replaced again and again, and anew after each click, can be clicked all the same. There is an end to it:
// on a busy machine nothing could be found and clicked within the milliseconds that one of them lives.
func TestClickWhatIsReplaced(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><p id=p></p><script>let n = 0, left = 0;
			function burst() { left = 100; replace(); }
			function replace() { p.innerHTML = "<button id=b>b</button>"; if (left-- > 0) setTimeout(replace, 1); }
			p.onclick = () => { n++; burst(); };
			burst();</script>`))
	}))
	t.Cleanup(srv.Close)
	p := Start(t).Open(t, srv.URL)
	for range 10 {
		p.Click("#b")
	}
	p.Wait("n > 0")
}

// What goes wrong in the page is noticed: an exception, a complaint, a breach of the policy.
func TestProblems(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/strict" {
			w.Header().Set("Content-Security-Policy", "script-src 'none'; img-src data:")
		}
		w.Write([]byte(`<!doctype html><link rel=icon href="data:,"><p id=p>x</p><script>setTimeout(() => { p.remove(); console.error("complaint"); throw new Error("thrown") })</script>`))
	}))
	t.Cleanup(srv.Close)
	b := Start(t)
	loose := b.Open(t, srv.URL)
	loose.Wait(`!document.getElementById("p")`)
	strict := b.Open(t, srv.URL+"/strict")
	for name, c := range map[string]struct {
		page *Page
		want string
	}{"complaint": {loose, "complaint"}, "exception": {loose, "thrown"}, "policy": {strict, "Content Security Policy"}} {
		late := time.After(patience)
		for !strings.Contains(strings.Join(c.page.Problems(), "\n"), c.want) {
			select {
			case <-late:
				t.Fatalf("%s was not noticed: %v", name, c.page.Problems())
			default:
			}
			Eval[bool](c.page, "true") // a round trip brings what is on its way
		}
	}
}

// What the element has made way for is not clicked, and the element is clicked where it has gone.
func TestClickWhatMoves(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><style>button { position: absolute; width: 50px; height: 20px }</style><button id=b>b</button><button id=other>o</button><script>
			let n = 0, wrong = 0, left = 0; b.onclick = () => n++; other.onclick = () => wrong++;
			(function swap() { left = 100 - left; b.style.left = left + "px"; other.style.left = 100 - left + "px"; setTimeout(swap, 1); })()</script>`))
	}))
	t.Cleanup(srv.Close)
	p := Start(t).Open(t, srv.URL)
	for range 5 {
		p.Click("#b")
	}
	p.Wait("n > 0 && wrong == 0")
}

// A click after which the page is another one is one click.
func TestClickThatLeaves(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><a id=a href="%s1">next</a>`, r.URL.Path)
	}))
	t.Cleanup(srv.Close)
	p := Start(t).Open(t, srv.URL+"/")
	for n := range 5 {
		p.Wait(fmt.Sprintf("location.pathname.length == %d", n+1))
		p.Click("#a")
	}
	p.Wait("location.pathname == '/11111'")
}
