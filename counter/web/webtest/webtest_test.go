package webtest

import (
	"net/http"
	"net/http/httptest"
	"testing"

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
