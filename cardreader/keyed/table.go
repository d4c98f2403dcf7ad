package keyed

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"tally/cardreader/purse"
	"tally/cardreader/sle4442"
)

// Table reads the codes of cards whose maker derives nothing: a line "0571-00001234,112233" for each card, region and
// number and six hex digits; lines that are empty or begin with # are left out. A card that is not in the table has the
// factory's code here, which is presented to no issued card. An error names the line and shows nothing of it.
func Table(data []byte) (Codes, error) {
	codes := map[purse.CardID]sle4442.PSC{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		card, code, _ := strings.Cut(line, ",")
		region, no, _ := strings.Cut(strings.TrimSpace(card), "-")
		r, err := strconv.ParseUint(region, 16, 16)
		psc, perr := sle4442.ParsePSC(strings.TrimSpace(code))
		id := purse.CardID{Region: uint16(r), No: no}
		if _, twice := codes[id]; err != nil || perr != nil || no == "" || twice {
			return nil, fmt.Errorf("read table of secret codes: line %d: want REGION-NUMBER,CODE, each card once", n)
		}
		codes[id] = psc
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read table of secret codes: %w", err)
	}
	return func(c purse.CardID) sle4442.Secret {
		psc, ok := codes[c]
		if !ok {
			psc = sle4442.FactoryPSC()
		}
		return sle4442.Secret{PSC: psc, Issued: true}
	}, nil
}
