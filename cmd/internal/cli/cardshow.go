package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// cardShowCommand is `tally card show [READER] [--json]`.
func (a *app) cardShowCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "show [READER]", Short: a.t("read the card in a reader, without changing it", "读取卡片内容，不作改动"), Args: a.args(0, 1),
		Long: a.t("Read the card in a reader and say what is on it. Nothing is written and no code is presented.\nREADER is a name or a part of it; without it the only reader with a card is meant.",
			"读取卡片并显示其内容。不写卡，也不校验卡密码。READER 为读卡器名称或其一部分；缺省为唯一插有卡片的读卡器。"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withCards(c.Context(), d, deps, func(cards control.Cards) error {
				name, err := a.reader(c.Context(), cards, strings.Join(args, ""))
				if err != nil {
					return err
				}
				card, err := cards.Card(c.Context(), name)
				if err != nil {
					return err
				}
				if asJSON {
					card.State.Damaged = append([]string{}, card.State.Damaged...) // a list, never null
					err = a.json(card)
				} else {
					_, err = a.env.Out.Write([]byte(a.card(card)))
					err = a.written(err)
				}
				if err == nil && len(card.State.Damaged) > 0 {
					return errNotWell
				}
				return err
			})
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}
