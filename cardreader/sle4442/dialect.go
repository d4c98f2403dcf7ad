package sle4442

import (
	"fmt"
	"strings"

	"tally/cardreader"
	"tally/cardreader/apdu"
	"tally/cardreader/exchange"
)

// Dialect is how a brand of reader wants the chip's commands. It is chosen by the reader's name or by configuration,
// never guessed by trying: the same bytes mean different things to different brands.
type Dialect string

// Dialects.
const (
	// ACS: ACR38 (CCID), ACR39, ACR3901. "Memory Card Command Set", CCID reference manuals.
	ACS Dialect = "acs"
	// OldACS: ACR38 before CCID. ACR38 Reference Manual 1.9 §8.2.7, ACR38x 6.02 §9.2.2.6: reading returns four
	// protection bytes behind the data, presenting returns counter and code with 90 00 whatever came of it.
	OldACS Dialect = "acs-old"
	// OMNIKEY: 3021 and 3121 with pseudo APDUs. The error counter cannot be read and the code not be changed.
	OMNIKEY Dialect = "omnikey"
)

// verdict is what an answer to a presentation says, where an answer can say it.
type verdict int

const (
	saysNothing verdict = iota
	saysRight
	saysWrong
)

// commands are a dialect. A nil command is one that the dialect does not have.
type commands struct {
	choose  *apdu.Command // selects the chip's type and powers it down and up
	counter *apdu.Command // answers EC and three bytes that nobody looks at
	change  func(PSC) apdu.Command
	read    func(addr, n int) apdu.Command
	behind  int // bytes behind the data of a read
	write   func(addr int, data []byte) apdu.Command
	present func(PSC) apdu.Command
	judge   func(apdu.Response, PSC) verdict
}

// The bytes that the brands have in common.
func readFFB0(addr, n int) apdu.Command {
	return apdu.Command{CLA: 0xFF, INS: 0xB0, P2: byte(addr), Le: n}
}

func writeFFD0(addr int, data []byte) apdu.Command {
	return apdu.Command{CLA: 0xFF, INS: 0xD0, P2: byte(addr), Data: data}
}

func writeFFD6(addr int, data []byte) apdu.Command {
	return apdu.Command{CLA: 0xFF, INS: 0xD6, P2: byte(addr), Data: data}
}

func presentFF20(p PSC) apdu.Command { return apdu.Command{CLA: 0xFF, INS: 0x20, Data: p[:]} }
func changeFFD2(p PSC) apdu.Command  { return apdu.Command{CLA: 0xFF, INS: 0xD2, P2: 1, Data: p[:]} }

var chooseFFA4 = apdu.Command{CLA: 0xFF, INS: 0xA4, Data: []byte{0x06}}

var dialects = map[Dialect]*commands{
	ACS: {
		choose: &chooseFFA4, read: readFFB0, write: writeFFD0, present: presentFF20, change: changeFFD2,
		counter: &apdu.Command{CLA: 0xFF, INS: 0xB1, Le: 4},
		judge:   judgeACS,
	},
	OldACS: {
		choose: &chooseFFA4, read: readFFB0, behind: 4, write: writeFFD0, present: presentFF20, change: changeFFD2,
		counter: &apdu.Command{CLA: 0xFF, INS: 0xB1, Le: apdu.MaxLe}, // MEM_L is 00
		judge:   judgeOldACS,
	},
	OMNIKEY: {
		read: readFFB0, write: writeFFD6, present: presentFF20,
		judge: judgeOMNIKEY,
	},
}

// judgeACS: SW2 is the error counter. 07 is all tries back, 00 a locked card.
func judgeACS(r apdu.Response, _ PSC) verdict {
	switch {
	case r.SW == 0x9000|allTries:
		return saysRight
	case r.SW&0xFF00 == 0x9000:
		return saysWrong
	}
	return saysNothing
}

// judgeOldACS: the counter and the code as the chip shows it afterwards, which it does only when it was right.
func judgeOldACS(r apdu.Response, p PSC) verdict {
	switch {
	case r.SW != apdu.OK || len(r.Data) != 4:
		return saysNothing
	case r.Data[0] == allTries && PSC(r.Data[1:]) == p:
		return saysRight
	}
	return saysWrong
}

// judgeOMNIKEY: 90 00 is what locks a card at ACS.
func judgeOMNIKEY(r apdu.Response, _ PSC) verdict {
	switch {
	case r.SW == apdu.OK:
		return saysRight
	case r.SW&0xFF00 == 0x6300, r.SW == 0x6982, r.SW == 0x6983:
		return saysWrong
	}
	return saysNothing
}

// readerNames are parts of the names that PC/SC gives to readers whose dialect is known, in lower case. An ACR38 that
// does not call itself CCID, and a CardMan, which needs its maker's library for these chips, are not among them.
var readerNames = []struct {
	part string
	d    Dialect
}{
	{"acr38u-ccid", ACS}, {"acr38-ccid", ACS}, {"acs acr39", ACS}, // "ACS ACR39U ICC Reader 00 00", "ACS ACR3901U …"
	{"omnikey 3x21", OMNIKEY}, {"omnikey 3021", OMNIKEY}, {"omnikey 3121", OMNIKEY}, // "HID Global OMNIKEY 3x21 Smart Card Reader"
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
		return "", fmt.Errorf("parse reader dialect %q: want %q, %q or %q", name, ACS, OldACS, OMNIKEY)
	}
	return Dialect(name), nil
}

func (d Dialect) commands() (*commands, error) {
	c, ok := dialects[d]
	if !ok {
		return nil, exchange.Fail(cardreader.Permanent, cardreader.CodeNotSupported, "choose dialect", fmt.Errorf("dialect %q", string(d)))
	}
	return c, nil
}
