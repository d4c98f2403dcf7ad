// Package csvfile is what the lists that people bring along have in common: a file is read whole or not at all, and what
// is wrong with it is said with file, line and column, in English and Chinese.
package csvfile

import (
	"fmt"
	"strings"
)

// Sentence is a text in English and Chinese; it may hold verbs of package fmt.
type Sentence [2]string

// In is the sentence in English or ("zh") Chinese.
func (s Sentence) In(lang string) string {
	if lang == "zh" {
		return s[1]
	}
	return s[0]
}

// Problem is one mistake in a file, with its place and what would be right.
type Problem struct {
	File   string
	Line   int    // from 1; 0 when the file as a whole is meant
	Column string // name of the column; empty when the whole line is meant
	Code   string // stable, snake_case
	Says   Sentence
	Args   []any // what the sentence's verbs stand for
}

// Text is the problem in one line, "file:line: column: what is wrong; what would be right".
func (p Problem) Text(lang string) string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Column != "" {
		b.WriteString(p.Column + ": ")
	}
	fmt.Fprintf(&b, p.Says.In(lang), p.Args...)
	return b.String()
}

// Problems is everything that is wrong with a file, in the order of the file.
type Problems []Problem

// Error is all problems in English, one a line.
func (ps Problems) Error() string { return ps.Text("en") }

// Text is all problems, one a line.
func (ps Problems) Text(lang string) string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Text(lang)
	}
	return strings.Join(lines, "\n")
}
