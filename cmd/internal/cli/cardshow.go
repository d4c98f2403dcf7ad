package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// cardShowCommand is `tally card show [READER] [--profile NAME|FILE] [--json]`.
func (a *app) cardShowCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	var layout string
	c := &cobra.Command{
		Use: "show [READER]", Short: a.t("read the card in a reader, without changing it", "读取卡片内容，不作改动"), Args: a.args(0, 1),
		Long: a.t("Read the card in a reader and say what is on it. Nothing is written and no code is presented.\nREADER is a name or a part of it; without it the only reader with a card is meant.\nWith --profile the card is read by that layout, a file too, before it is installed anywhere.",
			"读取卡片并显示其内容。不写卡，也不校验卡密码。READER 为读卡器名称或其一部分；缺省为唯一插有卡片的读卡器。\n给出 --profile 时按该规格解读，规格可为尚未安装的文件。"),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.try(layout)
			if err != nil {
				return err
			}
			return a.withCards(c.Context(), d, deps, p, func(cards control.Cards) error {
				card, err := a.cardBy(c.Context(), cards, strings.Join(args, ""), p)
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
	a.triedFlag(c, &layout)
	return c
}
