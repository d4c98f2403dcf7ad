package accountcsv

import (
	"slices"

	"tally/counter"
	"tally/counter/tariff"
)

// Rules are what a file is checked against.
type Rules struct {
	Region     uint16         // of the counter; cards of another are refused there
	CardDigits int            // of a card number
	Tariffs    []tariff.Table // of the configuration
	Today      string         // "2026-11-21", at the counter
}

// classes are the price classes of the configuration, each once.
func (r *Rules) classes() []string {
	var all []string
	for _, t := range r.Tariffs {
		all = append(all, t.Class)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// periodStart is the first day of the tier period that runs today in a class. A class whose first table is not in force
// yet counts by that one.
func (r *Rules) periodStart(class string) string {
	table, ok := tariff.Pick(r.Tariffs, class, r.Today)
	if !ok {
		for _, t := range r.Tariffs {
			if t.Class == class && (table.From == "" || t.From < table.From) {
				table = t
			}
		}
	}
	start, err := tariff.PeriodStart(table.PeriodMonths, r.Today)
	if err != nil {
		return r.Today // an unknown class, which is a problem already
	}
	return start
}

// Sheet is a file that was read without a problem.
type Sheet struct {
	File    string
	Rows    []Row
	columns []column // those that the file has
}

// Row is one account of a file, as a new one would be stored.
type Row struct {
	Line    int // of the file, from 1
	Account counter.Account
}

// Merge is an account that exists already as the sheet wants it. Only what the columns of the file say and what an
// import may change is changed: never card, sequence, bought volume, period and locks.
func (s Sheet) Merge(old counter.Account, row Row) counter.Account {
	for _, c := range s.columns {
		if c.update != nil {
			c.update(&old, row.Account)
		}
	}
	return old
}

// Against is what speaks against a row in a ledger: old is the account of the row's number and owner the number of the
// account that has the row's card; zero values when there is none.
func (s Sheet) Against(row Row, old counter.Account, owner string) Problems {
	card := row.Account.Card
	switch {
	case card.IsZero():
	case owner != "" && owner != row.Account.No:
		return Problems{problem(s.File, row.Line, "card", codeCardTaken, owner)}
	case old.No != "" && old.Card != card:
		return Problems{problem(s.File, row.Line, "card", codeCardChanged)}
	}
	return nil
}
