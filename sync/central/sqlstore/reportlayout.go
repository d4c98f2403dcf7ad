package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// reportLayout lets the report of a day look at that day only, however many years lie beside it. Readings are counted when
// they are stored, by halves of the days of UTC: the business day (UTC+8) begins in the middle of one.
const reportLayout = `
CREATE INDEX record_break ON record (received) WHERE chained = 0;
CREATE INDEX sale_node_at ON sale (node, at);
CREATE INDEX sale_when ON sale (at);
CREATE TABLE reading_count (
	node TEXT NOT NULL, half TEXT NOT NULL, -- "2026-11-20b": from 16:00 UTC on; "…a": before
	n BIGINT NOT NULL,
	PRIMARY KEY (node, half));
INSERT INTO reading_count (node, half, n)
	SELECT node, substr(at, 1, 10) || CASE WHEN substr(at, 12, 2) < '16' THEN 'a' ELSE 'b' END, COUNT(*)
	FROM record WHERE stream = 'rd' GROUP BY 1, 2;
`

// half is the half of a UTC day that a time lies in.
func half(t time.Time) string {
	day := t.UTC().Format(time.DateOnly)
	if t.UTC().Hour() < 16 {
		return day + "a"
	}
	return day + "b"
}

// halves are those of a span of business days: from the first one on, below the second.
func (sp span) halves() (from, to string) {
	if sp.from == "" {
		return "", "9999"
	}
	return sp.from[:len(time.DateOnly)] + "b", sp.to[:len(time.DateOnly)] + "b"
}

// countReading notes that a record of rd was stored.
func (w *work) countReading(k key, at time.Time) {
	w.readings[[2]string{k.node, half(at)}]++
}

// countReadings writes down how many readings the transaction has stored.
func (w *work) countReadings(ctx context.Context) error {
	order := func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }
	for _, c := range slices.SortedFunc(maps.Keys(w.readings), order) { // in one order, or two transactions wait for each other
		_, err := w.exec(ctx, `INSERT INTO reading_count (node, half, n) VALUES (?1, ?2, ?3)
			ON CONFLICT (node, half) DO UPDATE SET n = reading_count.n + ?3`, c[0], c[1], w.readings[c])
		if err != nil {
			return err
		}
	}
	return nil
}
