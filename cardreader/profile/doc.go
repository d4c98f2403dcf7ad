// Package profile describes a maker's prepaid card as data: what lies where on the chip, and the rules by which an
// order is put there, copied, checked, committed and seen as taken by the meter.
//
// A profile is a TOML file, read strictly ([Load]): an unknown key, two fields on the same bits, a field outside the
// chip, an order slot without a commit rule are errors with file, line and key, because a wrong profile writes wrong
// money. Three programs share one description this way: the purse that writes, the page that shows, the technician's
// command that dumps.
//
// The package is pure: it opens no reader and holds no key. A profile names the source of the secret code, never the
// code.
package profile
