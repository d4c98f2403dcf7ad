package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tally/cmd/internal/control"
)

// cardWatchCommand is `tally card watch [--count N] [--profile NAME|FILE] [--json]`.
func (a *app) cardWatchCommand(deps TallyDeps) *cobra.Command {
	var d door
	var asJSON bool
	var count int
	var layout string
	c := &cobra.Command{
		Use: "watch", Short: a.t("show cards and readers as they come and go", "实时显示读卡器与卡片的变化"), Args: a.args(0, 0),
		Long: a.t("Show what happens at the readers until Ctrl-C: readers plugged in, cards put in, read and taken out. Nothing is written on a card.",
			"实时显示读卡器的事件，直到按 Ctrl-C：读卡器接入、卡片插入、读取、拔出。不写卡。"),
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.try(layout)
			if err != nil {
				return err
			}
			return a.withCards(c.Context(), d, deps, p, func(cards control.Cards) error {
				if _, node := cards.(*control.Client); node && p != nil {
					return &failure{ExitRefused, a.t("a node reads its cards by its own layouts while they are watched", "监视时节点只按自身的规格读卡"),
						a.t("stop tallyd to watch with --profile, or use `tally card show --profile`", "要用 --profile 监视请先停止 tallyd，或用 `tally card show --profile`")}
				}
				w, ok := cards.(control.CardWatcher)
				if !ok {
					return &failure{ExitRefused, a.t("these readers cannot be watched", "无法监视这些读卡器"), ""}
				}
				return a.watchCards(c.Context(), w, asJSON, count)
			})
		},
	}
	a.doorFlags(c, &d, deps.Socket)
	a.jsonFlag(c, &asJSON)
	a.triedFlag(c, &layout)
	c.Flags().IntVar(&count, "count", 0, a.t("`N` end after so many events; 0: never", "`数量` 显示若干事件后结束；0 表示不限"))
	return c
}

// watchCards ends with its context, which is how a person ends it, or after count events.
func (a *app) watchCards(parent context.Context, w control.CardWatcher, asJSON bool, count int) error {
	ctx, enough := context.WithCancel(parent)
	defer enough()
	seen := 0
	return w.WatchCards(ctx, func(e control.CardEvent) error {
		if ctx.Err() != nil {
			return nil
		}
		if seen++; seen == count {
			defer enough()
		}
		if asJSON {
			return a.jsonLine(e)
		}
		return a.print("%s  %s", e.At.Local().Format("15:04:05"), a.cardEvent(e))
	})
}

func (a *app) cardEvent(e control.CardEvent) string {
	reader := plain(e.Reader)
	problem := ""
	if e.Problem != "" {
		problem = a.f(" (%s)", "（%s）", a.why(e.Problem))
	}
	switch e.Kind {
	case control.ReaderAdded:
		return a.f("reader %q", "读卡器 %q 接入", reader)
	case control.ReaderRemoved:
		return a.f("reader %q is gone", "读卡器 %q 断开", reader)
	case control.CardInserted:
		atr := ""
		if e.ATR != "" {
			atr = "  " + spaced(e.ATR)
		}
		return a.f("card put into %q%s", "卡片插入 %q%s", reader, atr)
	case control.CardRead:
		meter := a.t("no meter yet", "尚未绑定表计")
		if e.Meter != "" {
			meter = a.f("meter %s", "表号 %s", plain(e.Meter))
		}
		return a.f("card %s, %s%s", "卡号 %s，%s%s", plain(e.Card), meter, problem)
	case control.CardFailed:
		return a.f("the card in %q cannot be used%s", "%q 中的卡片无法使用%s", reader, problem)
	case control.CardRemoved:
		return a.f("card taken out of %q", "卡片从 %q 拔出", reader)
	}
	return fmt.Sprintf("%s %q%s", plain(e.Kind), reader, problem)
}
