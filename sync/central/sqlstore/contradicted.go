package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tally/sync/central"
	"tally/sync/contract"
)

// contradicted are orders of which two records cannot both be right: given up by their own node and read on their card by
// another, and ended by their own node otherwise than the centre had decided. Each is told on the day on which the second
// record came, so that a node that comes back after weeks is in that day's report.
func (w *work) contradicted(ctx context.Context, sp span) ([]central.Finding, error) {
	found, err := w.doubts(ctx, `(?1 = '' OR d.node = ?1) AND (d.order_id IN (SELECT order_id FROM ruling)
		OR d.ended = 1 AND d.ended_as LIKE '%_void' AND d.order_id IN (SELECT order_id FROM doubt_word WHERE kind = '`+contract.TypeOrderWitnessed+`'))`, sp.node)
	if err != nil {
		return nil, err
	}
	var out []central.Finding
	for _, d := range found {
		for _, c := range []contradiction{d.voidButWritten(), d.overruled(), d.closedButWritten()} {
			if c.text != "" && c.told >= sp.from && c.told < sp.to {
				out = append(out, central.Finding{Node: d.Node, Epoch: cmp.Or(d.endedEpoch, d.epoch), Code: c.code, Text: "order " + d.Order + ": " + c.text})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b central.Finding) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Text, b.Text))
	})
	return out, nil
}

// contradiction is what two records say, and when the second one came.
type contradiction struct{ code, text, told string }

// voidButWritten: the money was given back, and the order is on the card.
func (d doubt) voidButWritten() (c contradiction) {
	w := d.wordOf(contract.TypeOrderWitnessed, "")
	if w == nil || !d.void() {
		return c
	}
	return contradiction{central.FindingVoidWritten, d.end() + "; " + d.witnessText(*w), max(d.endedT, w.told)}
}

// closedButWritten: the centre has said that it is not on the card, and it is.
func (d doubt) closedButWritten() (c contradiction) {
	w := d.wordOf(contract.TypeOrderWitnessed, "")
	n := len(d.Rulings)
	if w == nil || n == 0 || d.Rulings[n-1].Do != contract.RuleRefunded && d.Rulings[n-1].Do != contract.RuleNotWritten {
		return c
	}
	r := d.Rulings[n-1]
	return contradiction{central.FindingOverruled, rulingText(r) + "; " + d.witnessText(*w), max(stamp(r.At.Time), w.told)}
}

// overruled: its own node had done otherwise, or has done so before it heard.
func (d doubt) overruled() (c contradiction) {
	n := len(d.Rulings)
	if n == 0 {
		return c
	}
	r := d.Rulings[n-1]
	if a := d.wordOf(contract.TypeOrderRuled, r.Name()); a != nil {
		f, err := decode[contract.OrderRuled](a.body)
		if err != nil || f.Obeyed {
			return c
		}
		return contradiction{central.FindingOverruled, rulingText(r) + "; " + d.answerText(*a, f), max(stamp(r.At.Time), a.told)}
	}
	if d.Ended == "" || !d.against(r) {
		return c
	}
	return contradiction{central.FindingOverruled, rulingText(r) + "; " + d.end(), max(stamp(r.At.Time), d.endedT)}
}

// against reports whether the end that the order's own node has told is another one than was decided.
func (d doubt) against(r contract.Ruling) bool {
	switch r.Do {
	case contract.RuleGiven:
		return d.void() && d.Given != nil && d.Given.Want == r.Want
	case contract.RuleWritten:
		return d.void()
	case contract.RuleRefunded: // also when it was given up: the money was given back there, too
		return true
	}
	return !d.void()
}

func (d doubt) void() bool { return strings.HasSuffix(d.Ended, "_void") }

func (d doubt) wordOf(kind, want string) *word {
	i := slices.IndexFunc(d.words, func(x word) bool { return x.kind == kind && x.want == want })
	if i < 0 {
		return nil
	}
	return &d.words[i]
}

// end names the record by which its own node has ended the order.
func (d doubt) end() string {
	return fmt.Sprintf("%s of %s at %s (record %s, %s)", d.Ended, d.Node, d.endedAt, d.endedRecord, d.Station)
}

func (d doubt) witnessText(w word) string {
	return fmt.Sprintf("%s of %s at %s (%s)", contract.TypeOrderWitnessed, w.node, w.at, d.Seen)
}

func rulingText(r contract.Ruling) string {
	to := ""
	if r.Station != "" {
		to = " to " + r.Station
	}
	return fmt.Sprintf("decided here by %s at %s: %s%s", r.By, stamp(r.At.Time), r.Do, to)
}

func (d doubt) answerText(w word, f contract.OrderRuled) string {
	when := ""
	if f.EndAt != nil {
		when = " at " + stamp(f.EndAt.Time)
	}
	return fmt.Sprintf("%s of %s at %s: it was %s there%s by %s, %d fen", contract.TypeOrderRuled, w.node, w.at, f.State, when, cmp.Or(f.Operator, "nobody"), f.AmountFen)
}
