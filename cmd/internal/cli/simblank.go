package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/spf13/cobra"

	"tally/cardreader/cardsim"
	"tally/cardreader/cardsim/issued"
)

// simBlank opens the card in the file, or makes one as its maker delivers it: nothing of a customer or of the utility is on it.
func (a *app) simBlank(c *cobra.Command, s simulated, brand func(*cardsim.SLE4442) cardsim.Device) (cardsim.Device, error) {
	p, err := a.layout(s.layout)
	if err != nil {
		return nil, err
	}
	switch {
	case !s.blank:
		return nil, a.usage(c, "--serial goes with --blank", "--serial 须与 --blank 同用")
	case p == nil, c.Flags().Changed("chip") && s.chip != p.Chip.Type:
		return nil, a.usage(c, "a blank card wants --profile of its --chip", "空白卡须给出与 --chip 相符的 --profile")
	case s.card != "" || s.meter != "" || s.water || s.pscFile != "":
		return nil, a.usage(c, "a blank card has no --card, --meter, --water or --psc-file yet", "空白卡尚无 --card、--meter、--water 或 --psc-file")
	case s.serial != "" && p.SerialAt() < 0:
		return nil, a.usage(c, "cards of %s have no --serial", "%s 的卡没有 --serial", p.Name)
	}
	serial, err := serialFrom(s.serial)
	if err != nil {
		return nil, a.usage(c, "--serial cannot be %q: want 16 hex digits", "--serial 不能为 %q：应为 16 位十六进制数字", s.serial)
	}
	if dev, err := keptChip(s, brand); dev != nil || err != nil {
		return dev, err
	}
	keys, err := a.simKeys(s)
	if err != nil {
		return nil, err
	}
	if p.Chip.Type == chipSLE4442 { // in the reader's own dialect
		return a.newSLE4442(s, issued.Keys{}, nil, brand)
	}
	card, err := issued.Blank(p, serial, keys)
	if err != nil {
		return nil, &failure{ExitUsage, plain(err.Error()), ""}
	}
	return keptIn(s.file, card.Device)
}

// serialFrom reads a chip's serial number, or makes one up: no two chips of a maker have the same.
func serialFrom(text string) (serial [8]byte, err error) {
	if text == "" {
		_, _ = rand.Read(serial[:]) // never fails
		return serial, nil
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(serial) {
		return serial, errors.New("want 16 hex digits")
	}
	return [8]byte(b), nil
}
