package cli

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	"tally/cmd/internal/cli/metercsv"
	"tally/cmd/internal/control"
	"tally/meter"
)

// batchRow is what came of one row of a list.
type batchRow struct {
	Line    int          `json:"line"` // of the list
	Meter   string       `json:"meter"`
	Port    string       `json:"port,omitempty"`
	OK      bool         `json:"ok"`
	Code    string       `json:"code,omitempty"`   // why not, stable
	Reason  string       `json:"reason,omitempty"` // the same in words
	Reading *jsonReading `json:"reading,omitempty"`
}

// codeOf is the stable word for why a reading failed, here or at the node.
func codeOf(err error) string {
	if e, ok := errors.AsType[*control.Error](err); ok {
		return e.Code
	}
	if errors.Is(err, control.ErrNoNode) {
		return "no_node"
	}
	return meter.Code(err)
}

// part is what is kept of a batch while it runs: a file of JSON lines, the first of which names the list.
type part struct {
	path string
	file *os.File
	done map[int]batchRow // by line of the list
}

// partHead is the first line.
type partHead struct {
	Version int    `json:"version"`
	List    string `json:"list"` // hash of its content
}

const partVersion = 1

// openPart begins or goes on with a batch.
func (a *app) openPart(path string, s metercsv.Sheet, fresh bool) (*part, error) {
	p := &part{path: path, done: map[int]batchRow{}}
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && fresh:
		old = nil
	case err != nil:
		return nil, &failure{ExitRefused, a.f("cannot read what was kept of a batch: %v", "无法读取中断的批次：%v", err), ""}
	default:
		if p.done, err = parsePart(old, s); err != nil {
			return nil, &failure{ExitRefused, a.f("%s: %v", "%s：%v", path, err), a.t("begin anew with --fresh", "请用 --fresh 重新开始")}
		}
	}
	// What was kept is written anew: a line that a power cut tore is gone, and new ones follow whole ones.
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(partHead{partVersion, s.Hash}); err != nil {
		return nil, fmt.Errorf("keep the batch: %w", err)
	}
	for _, r := range s.Rows {
		if row, ok := p.done[r.Line]; ok {
			if err := enc.Encode(row); err != nil {
				return nil, fmt.Errorf("keep the batch: %w", err)
			}
		}
	}
	if err := replaceFile(path, b.Bytes()); err != nil {
		return nil, &failure{ExitRefused, a.f("cannot write the report: %v", "无法写入报告：%v", err), ""}
	}
	if p.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o644); err != nil {
		return nil, fmt.Errorf("keep the batch: %w", err)
	}
	return p, nil
}

// parsePart reads what was kept of a batch of this list. Only the last line may be torn.
func parsePart(b []byte, s metercsv.Sheet) (map[int]batchRow, error) {
	known := map[int]string{}
	for _, r := range s.Rows {
		known[r.Line] = r.Meter
	}
	done := map[int]batchRow{}
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			var head partHead
			if err := json.Unmarshal(lines.Bytes(), &head); err != nil || head.Version != partVersion {
				return nil, errors.New("is not what a batch keeps")
			}
			if head.List != s.Hash {
				return nil, errors.New("is of another list, or the list has changed")
			}
			continue
		}
		var row batchRow
		err := json.Unmarshal(lines.Bytes(), &row)
		switch {
		case err != nil && bytes.HasSuffix(b, lines.Bytes()):
			return done, nil // torn by a power cut: that meter is read again
		case err != nil:
			return nil, fmt.Errorf("line %d is damaged", n)
		case known[row.Line] == "" || known[row.Line] != row.Meter || row.OK == (row.Reading == nil):
			return nil, fmt.Errorf("line %d does not fit the list", n)
		}
		done[row.Line] = row
	}
	return done, lines.Err()
}

// add keeps a row: it is on the disk when add returns.
func (p *part) add(r batchRow) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("keep the batch: %w", err)
	}
	if _, err := p.file.Write(b.Bytes()); err != nil {
		return fmt.Errorf("keep the batch: %w", err)
	}
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("keep the batch: %w", err)
	}
	p.done[r.Line] = r
	return nil
}

func (p *part) close() {
	if p.file != nil {
		_ = p.file.Close() // every row was synced
		p.file = nil
	}
}

// report makes the report's text.
func report(ext, list string, rows []batchRow) ([]byte, error) {
	var b bytes.Buffer
	if ext == ".json" {
		err := encodeJSON(&b, map[string]any{"list": list, "rows": rows})
		return b.Bytes(), err
	}
	var names []string // of values, in the order in which they come
	for _, r := range rows {
		if r.Reading == nil {
			continue
		}
		for _, v := range r.Reading.Values {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	head := []string{"line", "meter", "port", "ok", "at", "code", "reason", "quality"}
	for _, n := range names {
		head = append(head, n, n+"_unit")
	}
	w := csv.NewWriter(&b)
	_ = w.Write(head) // into memory; w.Error tells
	for _, r := range rows {
		_ = w.Write(r.cells(names))
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// cells are a row of the CSV report.
func (r batchRow) cells(names []string) []string {
	cells := []string{strconv.Itoa(r.Line), r.Meter, r.Port, strconv.FormatBool(r.OK), "", r.Code, r.Reason, ""}
	if r.Reading == nil {
		return append(cells, make([]string, 2*len(names))...)
	}
	cells[4] = r.Reading.At.Format(time.RFC3339)
	for i, q := range r.Reading.Quality {
		if i > 0 {
			cells[7] += " "
		}
		cells[7] += q
	}
	for _, n := range names {
		value, unit := "", ""
		for _, v := range r.Reading.Values {
			if v.Name == n && value == "" {
				value, unit = v.Value, v.Unit
			}
		}
		cells = append(cells, value, unit)
	}
	return cells
}
