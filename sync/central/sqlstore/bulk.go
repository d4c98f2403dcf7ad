package sqlstore

import (
	"context"
	"strconv"
	"strings"

	"tally/sync/central"
	"tally/sync/contract"
)

// news says that nothing of a batch can be here yet: it is above all that was ever stored of its stream, which is locked,
// and all of it is sound. Such batches are the rule, and are stored with few statements instead of some for each record.
func news(m *mark, b central.Batch) bool {
	if b.Items[0].Seq <= m.high {
		return false
	}
	for i := range b.Items {
		if b.Items[i].Nack != nil {
			return false
		}
	}
	return true
}

// bulk stores a batch that is news, and returns its last record.
func (w *work) bulk(ctx context.Context, k key, b central.Batch, c *central.Counts) ([]byte, error) {
	const columns = "node, epoch, stream, seq, id, type, at, chained, received, raw"
	records := newRows("record", columns)
	var before []byte
	for i := range b.Items {
		it := &b.Items[i]
		chained, err := w.chained(ctx, k, it, before)
		if err != nil {
			return nil, err
		}
		w.stored(k, it, chained, c)
		records.add(k.node, k.epoch, string(k.stream), int64(it.Seq), printable(it.Record.ID), it.Record.Type, stamp(it.Record.At.Time), chained, w.now, it.Raw)
		before = it.Raw
	}
	if err := records.insert(ctx, w); err != nil {
		return nil, err
	}
	return before, w.projectAll(ctx, k, b)
}

// projectAll is project for a batch, readings together.
func (w *work) projectAll(ctx context.Context, k key, b central.Batch) error {
	values := newRows("reading", "node, epoch, seq, n, meter, at, line, name, value, unit, quality")
	for i := range b.Items {
		it := &b.Items[i]
		f, isReading := it.Fact.(*contract.Reading)
		if !isReading {
			if err := w.project(ctx, k, it); err != nil {
				return err
			}
			continue
		}
		quality := printable(strings.Join(f.Quality, ","))
		for n, v := range f.Values {
			values.add(k.node, k.epoch, int64(it.Seq), int64(n), printable(f.Meter), stamp(f.At.Time), printable(f.Line), printable(v.Name),
				printable(v.Value), printable(v.Unit), quality)
		}
	}
	return values.insert(ctx, w)
}

// rows are values on their way into one table.
type rows struct {
	head  string
	width int
	args  []any
}

func newRows(table, columns string) *rows {
	return &rows{head: "INSERT INTO " + table + " (" + columns + ") VALUES ", width: strings.Count(columns, ",") + 1}
}

func (r *rows) add(args ...any) { r.args = append(r.args, args...) }

// maxRows is how many rows one statement takes: 2200 parameters at the most, which both databases know.
const maxRows = 200

// insert writes the rows, as many as go at once.
func (r *rows) insert(ctx context.Context, w *work) error {
	for len(r.args) > 0 {
		n := min(len(r.args)/r.width, maxRows)
		if _, err := w.exec(ctx, r.statement(n, w.d.Dollar), r.args[:n*r.width]...); err != nil {
			return err
		}
		r.args = r.args[n*r.width:]
	}
	return nil
}

// statement has parameters without numbers where the database knows them: SQLite's bindings look a numbered one up among
// all others each time.
func (r *rows) statement(n int, dollar bool) string {
	var b strings.Builder
	b.WriteString(r.head)
	for i := range n * r.width {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%r.width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if !dollar {
			b.WriteByte('?')
			continue
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(i + 1))
	}
	b.WriteByte(')')
	return b.String()
}
