package sle4442

import (
	"fmt"
	"strings"

	"tally/cardreader"
	"tally/cardreader/apdu"
)

// Dialect is how a brand of reader wants the chip's commands. It is chosen by the reader's name or by configuration,
// never guessed by trying: the same bytes mean different things to different brands.
type Dialect string

// Dialects.
const (
	ACS Dialect = "acs" // ACR38 (CCID), ACR39, ACR3901: "Memory Card Command Set" in their reference manuals
)

// dialectCommands turns what the driver wants into command APDUs and judges what came back.
type dialectCommands struct {
	choose    apdu.Command
	read      func(addr, n int) apdu.Command
	write     func(addr int, data []byte) apdu.Command
	counter   apdu.Command
	present   func(PSC) apdu.Command
	change    func(PSC) apdu.Command
	presented func(apdu.Status) bool // the status word that goes with a right code
}

var dialects = map[Dialect]*dialectCommands{
	ACS: {
		choose: apdu.Command{CLA: 0xFF, INS: 0xA4, Data: []byte{0x06}},
		read: func(addr, n int) apdu.Command {
			return apdu.Command{CLA: 0xFF, INS: 0xB0, P2: byte(addr), Le: n}
		},
		write: func(addr int, data []byte) apdu.Command {
			return apdu.Command{CLA: 0xFF, INS: 0xD0, P2: byte(addr), Data: data}
		},
		counter: apdu.Command{CLA: 0xFF, INS: 0xB1, Le: 4},
		present: func(p PSC) apdu.Command { return apdu.Command{CLA: 0xFF, INS: 0x20, Data: p[:]} },
		change:  func(p PSC) apdu.Command { return apdu.Command{CLA: 0xFF, INS: 0xD2, P2: 1, Data: p[:]} },
		// SW2 is the error counter: 07 means all tries back, 00 a locked card.
		presented: func(s apdu.Status) bool { return s == 0x9007 },
	},
}

// readerNames are parts of the names that PC/SC gives to readers whose dialect is known, in lower case.
var readerNames = []struct {
	part string
	d    Dialect
}{
	{"acs acr38", ACS}, {"acs acr39", ACS}, // "ACS ACR39U ICC Reader 00 00", "ACS ACR3901U …", "ACS ACR38U-CCID …"
}

// DialectOf finds the dialect for a reader's name. False: not known, it has to be configured.
func DialectOf(reader string) (Dialect, bool) {
	name := strings.ToLower(reader)
	for _, r := range readerNames {
		if strings.Contains(name, r.part) {
			return r.d, true
		}
	}
	return "", false
}

// ParseDialect checks a configured name.
func ParseDialect(name string) (Dialect, error) {
	if _, ok := dialects[Dialect(name)]; !ok {
		return "", fmt.Errorf("parse reader dialect %q: want \"acs\"", name)
	}
	return Dialect(name), nil
}

func (d Dialect) commands(reader string) (*dialectCommands, error) {
	c, ok := dialects[d]
	if !ok {
		return nil, &cardreader.Error{Class: cardreader.Permanent, Code: cardreader.CodeNotSupported,
			Op: "choose dialect", Reader: reader, Err: fmt.Errorf("dialect %q", string(d))}
	}
	return c, nil
}
