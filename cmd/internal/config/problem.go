package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one mistake in a file, with its place and what would be right.
type Problem struct {
	File string
	Line int // from 1; 0 when the file as a whole is meant
	Col  int // from 1, in characters
	Key  string
	Code string // stable, snake_case
	args []any  // strings, numbers, or words that have a translation
}

// Error is the problem in English.
func (p Problem) Error() string { return p.Text("en") }

// Text is the problem in one line, "file:line:column: key: what is wrong; what would be right", in English or ("zh")
// Chinese. It never holds a secret.
func (p Problem) Text(lang string) string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	args := make([]any, len(p.args))
	for i, a := range p.args {
		if w, ok := a.(word); ok {
			a = w.in(lang)
		}
		args[i] = a
	}
	fmt.Fprintf(&b, phrases[p.Code].in(lang), args...)
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

// maxProblems bounds what is collected from a file that is not a config at all.
const maxProblems = 200

func (d *document) add(at place, key, code string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, Problem{File: d.file, Line: at.line, Col: at.col, Key: printable(key), Code: code, args: args})
	}
}

// result returns the problems in the order of the file, nil when there are none.
func (d *document) result() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Key, b.Key))
	})
	return d.problems
}

// quoted shows a value from the file, cut to a sensible length and safe to print.
func quoted(s string) string { return strconv.Quote(clip(s)) }

// printable is a key as it may be shown: a key of a hostile file may hold anything.
func printable(key string) string {
	if strings.ContainsFunc(key, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return quoted(key)
	}
	return clip(key)
}

func clip(s string) string {
	r := []rune(s)
	if len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
