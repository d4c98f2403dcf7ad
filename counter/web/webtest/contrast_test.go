package webtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestFaintTextIsFound: each way in which a text can be hard to read is found, at its place, and nothing else is.
func TestFaintTextIsFound(t *testing.T) {
	bodies := map[string]struct {
		body string
		want string // the ratio and the place; empty when all can be read
	}{
		"black on white":        {`<p id=x>text</p>`, ""},
		"grey at the limit":     {`<p id=x style="color:#767676">text</p>`, ""}, // 4.54:1
		"grey below it":         {`<p id=x style="color:#777777">text</p>`, "4.48:1, want 4.5:1: html > body > p#x"},
		"large grey":            {`<p id=x style="color:#949494;font-size:24px">text</p>`, ""}, // 3.03:1
		"large grey below":      {`<p id=x style="color:#969696;font-size:24px">text</p>`, "want 3:1"},
		"large and bold":        {`<p id=x style="color:#949494;font-size:18.7px;font-weight:700">text</p>`, ""},
		"not large enough":      {`<p id=x style="color:#949494;font-size:18.7px">text</p>`, "3.03:1, want 4.5:1"},
		"background above":      {`<div style="background:#0d4f86"><div><p id=x style="color:#555">text</p></div></div>`, "p#x"},
		"white on blue":         {`<div style="background:#0d4f86"><p id=x style="color:#fff">text</p></div>`, ""},
		"half a background":     {`<div style="background:#00000080"><p id=x style="color:#000">text</p></div>`, ""},
		"half a white on black": {`<div style="background:#000"><p id=x style="color:#fff6">text</p></div>`, "p#x"},
		"opacity":               {`<div style="opacity:.4"><p id=x>text</p></div>`, "p#x"},
		"placeholder":           {`<input id=x placeholder=word><style>::placeholder{color:#aaa}</style>`, "input#x::placeholder"},
		"value":                 {`<input id=x value=word style="color:#aaa">`, "input#x"},
		"disabled":              {`<button id=x disabled style="color:#ccc">text</button><p>text</p>`, ""},
		"hidden":                {`<p hidden style="color:#ccc">text</p><p style="visibility:hidden;color:#ccc">text</p><p>text</p>`, ""},
		"before":                {`<p id=x>text</p><style>p::before{content:"!";color:#ccc}</style>`, "p#x::before"},
		"under a dialog":        {`<p style="color:#ccc">text</p><dialog id=d><p>text</p></dialog><script>d.showModal()</script>`, ""},
		"in a dialog":           {`<div style="background:#000"><dialog id=d><p id=x style="color:#ccc">text</p></dialog></div><script>d.showModal()</script>`, "p#x"},
		"fading":                {`<p id=x style="animation:f 9s linear infinite alternate">text</p><style>@keyframes f{to{opacity:.3}}</style>`, "p#x"},
		"nothing":               {`<p></p>`, "no text at all"},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><link rel=icon href="data:,"><body>` + bodies[r.URL.Query().Get("of")].body))
	}))
	t.Cleanup(srv.Close)
	p := Start(t).Open(t, srv.URL+"/?of=nothing")
	for name, c := range bodies {
		p.Go(srv.URL + "/?of=" + strings.ReplaceAll(name, " ", "+"))
		got := strings.Join(p.Faint(), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
