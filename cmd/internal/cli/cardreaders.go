package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/profile"
	"tally/cmd/internal/control"
)

// cardReadersCommand is `tally card readers [--json]`.
func (a *app) cardReadersCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	c := &cobra.Command{
		Use: "readers", Short: a.t("list card readers and what lies in them", "列出读卡器及其中的卡片"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withCards(c.Context(), d, deps, nil, func(cards control.Cards) error {
				readers, err := cards.Readers(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(append([]control.Reader{}, readers...))
				}
				if len(readers) == 0 {
					a.say("no reader is there", "没有读卡器")
					return errNotWell
				}
				_, err = a.env.Out.Write([]byte(a.readers(readers)))
				return a.written(err)
			})
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	return c
}

// withCards hands over the node's cards, or the machine's own readers when no node was named and none runs. Those read by
// the layout, unless it is nil.
func (a *app) withCards(ctx context.Context, d door, deps TallyDeps, layout *profile.Profile, use func(control.Cards) error) error {
	client, named := a.client(d)
	defer client.Close()
	if _, err := client.Status(ctx); named || !errors.Is(err, control.ErrNoNode) {
		if err != nil {
			return err
		}
		return use(client)
	}
	a.say("no node runs here; asking the readers directly", "本机没有运行节点；直接访问读卡器")
	cards, end, err := deps.Cards(ctx, layout)
	if err != nil {
		return err
	}
	return errors.Join(use(cards), end())
}

func (a *app) readers(readers []control.Reader) string {
	var t table
	t.row(a.t("READER", "读卡器"), a.t("CARD", "卡片"), "ATR")
	for _, r := range readers {
		card := plain(r.Card)
		switch r.Card {
		case control.CardNone:
			card = a.t("none", "无")
		case control.CardPresent:
			card = a.t("yes", "有")
		case control.CardMute:
			card = a.t("mute", "无应答")
		}
		t.row(plain(r.Name), card, spaced(r.ATR))
	}
	return t.String()
}

// spaced writes hex as the data sheets do: "3B 04 A2 13".
func spaced(hex string) string {
	var b strings.Builder
	for i, r := range strings.ToUpper(plain(hex)) {
		if i > 0 && i%2 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// reader finds the reader that is meant: the exact name, or the only one whose name contains it.
func (a *app) reader(ctx context.Context, cards control.Cards, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	readers, err := cards.Readers(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, r := range readers {
		if r.Name == name {
			return name, nil
		}
		if strings.Contains(strings.ToLower(r.Name), strings.ToLower(name)) {
			found = append(found, strconv.Quote(r.Name))
		}
	}
	switch len(found) {
	case 1:
		return strconv.Unquote(found[0])
	case 0:
		return "", &failure{ExitRefused, a.f("there is no reader %q", "没有读卡器 %q", name), a.t("`tally card readers` lists them", "用 `tally card readers` 查看")}
	}
	return "", &failure{ExitRefused, a.f("%q fits several readers: %s", "%q 对应多个读卡器：%s", name, strings.Join(found, ", ")), ""}
}
