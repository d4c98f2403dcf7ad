// Package metercsv reads the list of meters that a batch reads, and says by file, line and column what is wrong with it,
// in both languages.
package metercsv

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tally/cmd/internal/cli/csvfile"
)

// Row is one meter of a list, as far as the file says.
type Row struct {
	Line     int    // of the file, from 1
	Meter    string // number of a meter of the node; or a name for one on a port
	Port     string
	Protocol string
	Baud     int
	Parity   string
	StopBits int // 0 when not given
	Unit     int
	Address  string
	Kind     string
	Model    string
	Timeout  time.Duration
}

// Sheet is a file that was read without a problem.
type Sheet struct {
	File string
	Hash string // of the content, hex: a report that is gone on with is of the same list
	Rows []Row
}

// Bounds of a file.
const (
	maxBytes = 16 << 20
	maxCell  = 200
	maxRows  = 100_000
)

// Columns names the columns in the order in which the help lists them.
func Columns() []string {
	return []string{"meter", "port", "protocol", "baud", "parity", "stop_bits", "unit", "address", "kind", "model", "timeout"}
}

// ReadFile reads and checks a file. check says what else speaks against a row, in the user's language, or nothing; it
// may be nil. The error is [Problems].
func ReadFile(file string, check func(Row) string) (Sheet, error) {
	data, err := csvfile.Read(file, maxBytes)
	if err != nil {
		return Sheet{}, err
	}
	return Parse(file, data, check)
}

// Parse checks the content of a file as ReadFile does; the name is only for problems.
func Parse(file string, data []byte, check func(Row) string) (Sheet, error) {
	sum := sha256.Sum256(data)
	p := &parser{sheet: Sheet{File: file, Hash: hex.EncodeToString(sum[:])}, meters: map[string]int{}, check: check}
	data, err := csvfile.Plain(file, data)
	if err != nil {
		return Sheet{}, err
	}
	p.csv = csv.NewReader(bytes.NewReader(data))
	p.csv.FieldsPerRecord = -1
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
	sheet    Sheet
	columns  []string
	problems Problems
	check    func(Row) string
	meters   map[string]int // line by what names the meter
}

func (p *parser) add(line int, column, code string, args ...any) {
	p.problems = append(p.problems, Problem{File: p.sheet.File, Line: line, Column: column, Code: code, Says: phrases[code], Args: args})
}

// read gives the next row; false at the end or where the file cannot be read on.
func (p *parser) read() ([]string, int, bool) {
	cells, err := p.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, 0, false
	}
	if err != nil {
		at := 0
		if pe, ok := errors.AsType[*csv.ParseError](err); ok {
			at = pe.Line
		}
		p.add(at, "", codeQuotes)
		return nil, 0, false
	}
	line, _ := p.csv.FieldPos(0)
	return cells, line, true
}

// header reads the first row; false when the rest has no meaning without it.
func (p *parser) header() bool {
	cells, line, ok := p.read()
	if !ok {
		if len(p.problems) == 0 {
			p.add(0, "", codeNoHeader, strings.Join(Columns(), ", "))
		}
		return false
	}
	for i, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		switch {
		case !slices.Contains(Columns(), name):
			p.add(line, clip(name), codeColumn, i+1, strings.Join(Columns(), ", "))
		case slices.Contains(p.columns, name):
			p.add(line, name, codeColumnTwice)
		}
		p.columns = append(p.columns, name)
	}
	if !slices.Contains(p.columns, "meter") && !slices.Contains(p.columns, "port") {
		p.add(line, "", codeNoMeter)
	}
	return len(p.problems) == 0
}

func (p *parser) rows() {
	for {
		cells, line, ok := p.read()
		if !ok {
			break
		}
		if len(p.sheet.Rows) >= maxRows {
			p.add(line, "", codeRows, maxRows)
			break
		}
		if len(cells) != len(p.columns) {
			p.add(line, "", codeCells, len(cells), len(p.columns))
			continue
		}
		r := Row{Line: line}
		before := len(p.problems)
		for i, cell := range cells {
			p.cell(&r, p.columns[i], strings.TrimSpace(cell))
		}
		if len(p.problems) == before {
			p.whole(r)
		}
	}
	if len(p.sheet.Rows) == 0 && len(p.problems) == 0 {
		p.add(0, "", codeNoRows)
	}
}

// cell takes one value. What needs the models or the port's kind is checked by the command's own rules.
func (p *parser) cell(r *Row, column, s string) {
	switch {
	case s == "":
		return
	case len(s) > maxCell || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7F }):
		p.add(r.Line, column, codeText, maxCell)
		return
	}
	number := func(least, most int) int {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			p.add(r.Line, column, codeNumber, least, most)
			return 0
		}
		return n
	}
	switch column {
	case "meter":
		r.Meter = s
	case "port":
		r.Port = s
	case "protocol":
		r.Protocol = s
	case "baud":
		r.Baud = number(110, 921600)
	case "parity":
		r.Parity = s
	case "stop_bits":
		r.StopBits = number(1, 2)
	case "unit":
		r.Unit = number(1, 247)
	case "address":
		r.Address = s
	case "kind":
		r.Kind = s
	case "model":
		r.Model = s
	case "timeout":
		d, err := time.ParseDuration(s)
		if err != nil || d < 50*time.Millisecond || d > time.Minute {
			p.add(r.Line, column, codeTimeout)
			return
		}
		r.Timeout = d
	}
}

// whole checks what only the whole row tells.
func (p *parser) whole(r Row) {
	key := r.Meter
	switch {
	case r.Port == "" && r.Meter == "":
		p.add(r.Line, "meter", codeEmpty)
		return
	case r.Port == "" && (r.Unit != 0 || r.Address != "" || r.Model != "" || r.Protocol != ""):
		p.add(r.Line, "port", codePort)
		return
	case r.Port != "" && r.Unit == 0 && r.Address == "":
		p.add(r.Line, "address", codeAddress)
		return
	case r.Port != "" && r.Model == "":
		p.add(r.Line, "model", codeModel)
		return
	case r.Port != "":
		key = fmt.Sprintf("%s %s %d %s", r.Port, r.Protocol, r.Unit, r.Address)
		if r.Meter == "" {
			r.Meter = r.Address
			if r.Unit != 0 {
				r.Meter = strconv.Itoa(r.Unit)
			}
		}
	}
	if line, twice := p.meters[key]; twice {
		p.add(r.Line, "", codeTwice, line)
		return
	}
	p.meters[key] = r.Line
	if p.check != nil {
		if said := p.check(r); said != "" {
			p.add(r.Line, "", codeSaid, said)
			return
		}
	}
	p.sheet.Rows = append(p.sheet.Rows, r)
}

func clip(s string) string {
	const most = 40
	if len([]rune(s)) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}
