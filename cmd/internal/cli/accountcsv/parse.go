package accountcsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBytes bounds a file: half a million customers and more.
const maxBytes = 64 << 20

// ReadFile reads and checks a file. Its error is [Problems].
func ReadFile(file string, rules Rules) (Sheet, error) {
	data, problem := load(file)
	if problem != nil {
		return Sheet{}, Problems{*problem}
	}
	return Parse(file, data, rules)
}

// load reads a plain file; opening a pipe would wait for its other end.
func load(file string) ([]byte, *Problem) {
	unreadable := func(err error) *Problem {
		why := err.Error()
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			why = pe.Err.Error()
		}
		return &Problem{File: file, Code: codeRead, args: []any{why}}
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case !info.Mode().IsRegular():
		return nil, unreadable(errors.New("not a regular file"))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(data) > maxBytes:
		return nil, &Problem{File: file, Code: codeTooLarge, args: []any{maxBytes}}
	}
	return data, nil
}

// Parse checks the content of a file; the name is only for problems. Its error is [Problems].
func Parse(file string, data []byte, rules Rules) (Sheet, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := &parser{sheet: Sheet{File: file}, rules: &rules, numbers: map[string]int{}, cards: map[string]int{}}
	if at := notUTF8(data); at > 0 {
		p.add(at, "", codeUTF8)
		return Sheet{}, p.problems
	}
	p.csv = csv.NewReader(bytes.NewReader(data))
	p.csv.FieldsPerRecord = -1
	p.csv.ReuseRecord = true
	if p.header() {
		p.rows()
	}
	if len(p.problems) > 0 {
		return Sheet{}, p.problems
	}
	return p.sheet, nil
}

// notUTF8 is the first line that is not UTF-8, or 0.
func notUTF8(data []byte) int {
	if utf8.Valid(data) {
		return 0
	}
	n := 0
	for row := range bytes.Lines(data) {
		n++
		if !utf8.Valid(row) {
			break
		}
	}
	return n
}

// parser is one run over a file.
type parser struct {
	csv      *csv.Reader
	rules    *Rules
	sheet    Sheet
	problems Problems
	numbers  map[string]int // line by account number
	cards    map[string]int // line by card
}

func (p *parser) add(line int, column, code string, args ...any) {
	p.problems = append(p.problems, Problem{p.sheet.File, line, column, code, args})
}

// header reads the first row; false when the rest has no meaning without it.
func (p *parser) header() bool {
	cells, ok := p.read()
	if !ok {
		if len(p.problems) == 0 {
			p.add(0, "", codeNoHeader, names())
		}
		return false
	}
	at, _ := p.csv.FieldPos(0)
	all := columns()
	for i, cell := range cells {
		name := strings.TrimSpace(cell)
		n := slices.IndexFunc(all, func(c column) bool { return c.name == name })
		switch guess := alike(name, all); {
		case n >= 0 && p.has(name):
			p.add(at, name, codeColumnTwice)
		case n >= 0:
			p.sheet.columns = append(p.sheet.columns, all[n])
		case guess != "":
			p.add(at, "", codeColumnGuess, i+1, guess)
		default:
			p.add(at, "", codeColumn, i+1, names())
		}
	}
	for _, c := range all {
		if c.required && !p.has(c.name) {
			p.add(at, c.name, codeColumnNeeded)
		}
	}
	return len(p.problems) == 0
}

func (p *parser) has(name string) bool {
	return slices.ContainsFunc(p.sheet.columns, func(c column) bool { return c.name == name })
}

// alike is the column that somebody meant who wrote it in capitals, with spaces or without its unit.
func alike(name string, all []column) string {
	fold := func(s string) string {
		s = strings.ToLower(s)
		return strings.TrimSuffix(strings.NewReplacer("_", "", "-", "", " ", "", "³", "3").Replace(s), "m3")
	}
	for _, c := range all {
		if fold(c.name) == fold(name) {
			return c.name
		}
	}
	return ""
}

// read gives the next row that can be read as CSV; false at the end.
func (p *parser) read() ([]string, bool) {
	for {
		cells, err := p.csv.Read()
		if err == nil {
			return cells, true
		}
		wrong, ok := errors.AsType[*csv.ParseError](err)
		if !ok {
			return nil, false // the end: nothing else fails in memory
		}
		p.add(wrong.StartLine, "", codeQuotes)
		if len(p.sheet.columns) == 0 {
			return nil, false
		}
	}
}

func (p *parser) rows() {
	for {
		cells, ok := p.read()
		if !ok {
			break
		}
		p.row(cells)
	}
	if len(p.sheet.Rows) == 0 && len(p.problems) == 0 {
		p.add(0, "", codeNoAccounts)
	}
}

// row reads one account.
func (p *parser) row(cells []string) {
	at, _ := p.csv.FieldPos(0)
	if want := len(p.sheet.columns); len(cells) != want {
		p.add(at, "", codeCells, len(cells), want)
		return
	}
	l := line{rules: p.rules, reported: func(column, code string, args ...any) { p.add(at, column, code, args...) }}
	for i, c := range p.sheet.columns {
		l.cell(c, cells[i])
	}
	p.once(p.numbers, at, "no", l.account.No)
	p.once(p.cards, at, "card", l.account.Card.No)
	if l.account.PeriodStart == "" {
		l.account.PeriodStart = p.rules.periodStart(l.account.PriceClass)
	}
	p.sheet.Rows = append(p.sheet.Rows, Row{at, l.account})
}

// once refuses what another row has already.
func (p *parser) once(seen map[string]int, at int, column, value string) {
	if value == "" {
		return
	}
	if before, taken := seen[value]; taken {
		p.add(at, column, codeTaken, before)
		return
	}
	seen[value] = at
}
