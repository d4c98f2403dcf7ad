package daemon

import (
	"slices"
	"sync/atomic"
	"time"

	"tally/counter/tariff"
)

// pricelist knows the price classes that the counter sells under: those of the config, until the centre releases others.
type pricelist struct {
	tables atomic.Pointer[[]tariff.Table]
	now    func() time.Time
}

// set replaces the tables.
func (l *pricelist) set(tables []tariff.Table) {
	tables = slices.Clone(tables)
	l.tables.Store(&tables)
}

// classes are those that have prices today, sorted; a choice for who makes a card that carries prices.
func (l *pricelist) classes() []string {
	tables := l.tables.Load()
	if tables == nil {
		return nil
	}
	day := l.now().In(businessDay).Format(time.DateOnly)
	var names []string
	for _, t := range *tables {
		if _, ok := tariff.Pick(*tables, t.Class, day); ok {
			names = append(names, t.Class)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// priced is a desk whose price tables the list follows.
type priced struct {
	desk
	list *pricelist
}

// SetTables replaces the tables of the desk, and then of the list; what the desk refuses is not listed.
func (p priced) SetTables(tables []tariff.Table) error {
	if err := p.desk.SetTables(tables); err != nil {
		return err
	}
	p.list.set(tables)
	return nil
}
