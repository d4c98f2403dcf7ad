package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader"
	"tally/cardreader/profile"
	"tally/cardreader/purse"
	"tally/cmd/internal/control"
)

// triedFlag is the flag of commands that read a card by a layout which somebody tries.
func (a *app) triedFlag(c *cobra.Command, v *string) {
	c.Flags().StringVar(v, "profile", "", a.t("`NAME|FILE` layout to read the card by, installed or not; the one that fits when not given", "`名称|文件` 解读卡片所用的规格，无须先安装；缺省自动识别"))
}

// try makes a layout the one that cards are read and explained by; nil for an empty name.
func (a *app) try(name string) (*profile.Profile, error) {
	p, err := a.layout(name)
	a.tried = p
	return p, err
}

// layoutOf is the layout of a name as far as this program has it: the one that is tried, or one that comes with tally.
func (a *app) layoutOf(name string) *profile.Profile {
	if a.tried != nil && a.tried.Name == name {
		return a.tried
	}
	p, err := profile.Builtin(name)
	if err != nil {
		return nil
	}
	return p
}

// cardBy reads the card in a reader by a layout, or by the one that fits when it is nil. A card that the layout does not
// fit is returned with its bytes beside the error.
func (a *app) cardBy(ctx context.Context, cards control.Cards, reader string, p *profile.Profile) (control.Card, error) {
	name, err := a.reader(ctx, cards, reader)
	if err != nil {
		return control.Card{}, err
	}
	card, err := cards.Card(ctx, name)
	if _, node := cards.(*control.Client); p == nil || !node {
		return card, err
	}
	if err != nil {
		return card, a.noBytes(err)
	}
	return a.again(card, p)
}

// noBytes says why a node does not help with a card that none of its own layouts fits.
func (a *app) noBytes(err error) error {
	e, ok := errors.AsType[*control.Error](err)
	if !ok || !slices.Contains([]string{purse.CodeUnknownLayout, purse.CodeBlankCard, purse.CodeHeaderDamaged}, e.Code) {
		return err
	}
	f := a.explain(err)
	return &failure{f.code, f.text, a.stopNode()}
}

func (a *app) stopNode() string {
	return a.t("the node has the reader, and gives the bytes of cards that its own layouts fit; stop tallyd to try a layout on this card",
		"读卡器由节点占用，节点只给出其已有规格所能识别的卡片的字节；要对此卡试用规格，请先停止 tallyd")
}

// again reads by a layout what a node has read by another: the bytes are the same where both see the chip alike.
func (a *app) again(card control.Card, p *profile.Profile) (control.Card, error) {
	was, image := card.State.Profile, card.State.Image
	known, err := profile.Builtin(was)
	alike := len(image) == p.Chip.Size && len(p.Map) == 0
	if err == nil {
		alike = len(image) == p.Chip.Size && known.Chip.Type == p.Chip.Type && reflect.DeepEqual(known.Map, p.Map)
	}
	if !alike {
		return control.Card{}, &failure{ExitRefused, a.f("the node read this card by %s, which sees other bytes than %s does", "节点按 %s 读取此卡，其字节范围与 %s 不同", plain(was), plain(p.Name)), a.stopNode()}
	}
	card.Customer = nil // was found by what the other layout says
	card.State, err = purse.Decode(p, image)
	if err != nil {
		card.State = purse.State{Profile: p.Name, Image: image}
	}
	return card, err
}

// badLayout prints what is wrong with a layout, each with its place.
func (a *app) badLayout(e *profile.Error) string {
	var b strings.Builder
	for _, p := range e.Problems {
		b.WriteString(located(e.File, p.Line, p.Key, p.Msg))
	}
	return b.String()
}

// located is one mistake in a layout with its place, in a line.
func located(file string, line int, key, msg string) string {
	if key != "" {
		msg = key + ": " + msg
	}
	return fmt.Sprintf("%s:%d: %s\n", plain(file), line, plain(msg))
}

// misfit is why a card was not taken for one of a layout, for a dump.
func misfit(err error) string {
	if e, ok := errors.AsType[*cardreader.Error](err); ok {
		return cmp.Or(e.Code, err.Error())
	}
	return err.Error()
}
