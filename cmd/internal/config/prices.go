package config

import "tally/counter/tariff"

// LoadPrices reads a file of price tables to be released: [[tariff]] as in a counter's configuration. Every mistake in
// the file is in the error, which is then [Problems].
func LoadPrices(file string) ([]tariff.Table, error) {
	return load(file, Options{}, func(d *document, t *table, _ Known) []tariff.Table {
		tables := t.subs("tariff", 64)
		if len(tables) == 0 {
			t.bad("tariff", codeMissing, "[[tariff]]")
		}
		out := d.tariffs(tables)
		t.close()
		return out
	})
}
