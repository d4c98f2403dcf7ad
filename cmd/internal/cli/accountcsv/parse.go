package accountcsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"

	"tally/cmd/internal/cli/csvfile"
)

// maxBytes bounds a file: half a million customers and more.
const maxBytes = 64 << 20

// ReadFile reads and checks a file. Its error is [Problems].
func ReadFile(file string, rules Rules) (Sheet, error) {
	data, err := csvfile.Read(file, maxBytes)
	if err != nil {
		return Sheet{}, err
	}
	return Parse(file, data, rules)
}

// Parse checks the content of a file; the name is only for problems. Its error is [Problems].
func Parse(file string, data []byte, rules Rules) (Sheet, error) {
	data, err := csvfile.Plain(file, data)
	if err != nil {
		return Sheet{}, err
	}
	p := &parser{sheet: Sheet{File: file}, rules: &rules, numbers: map[string]int{}, cards: map[string]int{}}
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
	p.problems = append(p.problems, problem(p.sheet.File, line, column, code, args...))
}

func problem(file string, line int, column, code string, args ...any) Problem {
	return Problem{File: file, Line: line, Column: column, Code: code, Says: phrases[code], Args: args}
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
