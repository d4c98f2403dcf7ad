package webtest

import _ "embed"

//go:embed contrast.js
var contrast string

// Faint returns what text of the page, as it is now, has too little contrast against what lies behind it for the level AA
// of WCAG 2.1, one line each with its place; none when all can be read.
func (p *Page) Faint() []string {
	p.t.Helper()
	return Eval[[]string](p, contrast)
}
