package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tally/sync/central"
	"tally/sync/contract"
)

// CentralDoubts are the orders in doubt that the centre knows of, and what it decides about those whose own node is gone.
type CentralDoubts interface {
	// Doubts lists those without an end, oldest first; with all also those that were decided about here.
	Doubts(ctx context.Context, all bool) ([]central.Doubt, error)
	// Rule decides about one. Its refusals are those of central.Unruled.
	Rule(ctx context.Context, r central.Rule) (contract.Ruling, error)
}

// lostRule is when the centre may decide.
func (a *app) lostRule() string {
	return a.t(`The right to write the order again, or to give its money back, lies with its own node. The centre takes it over only when
that node is gone for good: never while it is there; not within 24 hours after it was last heard of, unless --node-is-lost
says that it is gone; and where a node of the same name runs on another ledger, only with --node-is-lost. Should the lost one
come back after all, it obeys as soon as it hears of it; what it did before that, tally-central reconcile reports.`,
		`重新写卡或退款的权利属于该笔业务所在的节点。只有该节点确已无法恢复时，中心才可代为决定：节点在线时一律不可；
最近 24 小时内有消息的不可，除非用 --node-is-lost 声明其已丢失；同名节点已换用新账本的，须加 --node-is-lost。
若该节点日后恢复，收到消息后即照办；此前已自行处理且相抵触的，由 tally-central reconcile 报告。`)
}

// centralDoubtsCommand is `tally-central doubts`, with `give` and `close` beneath it.
func (a *app) centralDoubtsCommand(deps CentralDeps) *cobra.Command {
	var file string
	var asJSON, all bool
	c := &cobra.Command{
		Use: "doubts", Short: a.t("orders in doubt, and the way out when their own node is gone for good", "结果未明的业务，以及所在节点无法恢复时的处理"), Args: a.args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				list, err := desk.Doubts(c.Context(), all)
				if err != nil {
					return err
				}
				if asJSON {
					return a.json(append([]central.Doubt{}, list...))
				}
				_, err = a.env.Out.Write([]byte(a.doubtTable(list)))
				return a.written(err)
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&all, "all", false, a.t("also those with an end that were decided about here", "包括曾由中心决定、现已了结的"))
	c.AddCommand(a.centralGiveCommand(deps), a.centralCloseCommand(deps))
	return c
}

func (a *app) doubtTable(list []central.Doubt) string {
	if len(list) == 0 {
		return a.t("no order is in doubt", "没有结果未明的业务") + "\n"
	}
	var t table
	t.row(a.t("ORDER", "业务号"), a.t("WHAT", "业务"), a.t("ACCOUNT", "户号"), a.t("CARD", "卡号"), a.t("LITRES", "升"), a.t("SINCE", "自"),
		a.t("STATION", "营业点"), a.t("NODE", "节点"), a.t("LAST HEARD", "最近消息"), a.t("HOW IT STANDS", "现状"))
	for _, d := range list {
		heard := a.t("never", "从未")
		if d.Heard != nil {
			heard = localTime(*d.Heard)
		}
		t.row(plain(d.Order), plain(d.Op), plain(d.Account), plain(d.Card), fmt.Sprint(d.VolumeL), localTime(d.Since), plain(d.Station),
			plain(d.Node)+" "+a.nodeState(d), heard, a.standing(d))
	}
	return t.String()
}

func (a *app) nodeState(d central.Doubt) string {
	switch {
	case d.Replaced:
		return a.t("(on another ledger)", "（已换新账本）")
	case d.Online:
		return a.t("(there)", "（在线）")
	}
	return a.t("(away)", "（离线）")
}

// standing is how far an order is, the newest word last.
func (a *app) standing(d central.Doubt) string {
	var s []string
	for _, h := range d.Wanted {
		s = append(s, a.f("wanted by %s", "%s 请求代写", plain(h.Station)))
	}
	for _, at := range d.Returned {
		s = append(s, a.f("returned by %s", "%s 已交还", plain(at)))
	}
	n := len(d.Rulings)
	if d.Given != nil && (n == 0 || d.Rulings[n-1].Want != d.Given.Want) {
		s = append(s, a.f("given to %s", "已交给 %s", plain(d.Given.Station)))
	}
	if d.Seen != "" {
		s = append(s, a.f("seen on its card by %s", "%s 读卡见到", plain(d.Seen)))
	}
	if n > 0 {
		r := d.Rulings[n-1]
		s = append(s, a.f("%s, decided by %s on %s: %s", "%s，%s 于 %s 决定：%s", a.ruling(r), plain(r.By), localTime(r.At), plain(r.Because)))
	}
	if d.Ended != "" {
		s = append(s, a.f("ended by its node: %s", "所在节点已了结：%s", plain(d.Ended)))
	}
	if slices.ContainsFunc(d.Answers, func(r contract.OrderRuled) bool { return !r.Obeyed }) {
		s = append(s, a.t("its node had done otherwise", "与所在节点的处理相抵触"))
	}
	return cmp.Or(strings.Join(s, "; "), a.t("waits for its card", "等待读卡"))
}

func (a *app) ruling(r contract.Ruling) string {
	switch r.Do {
	case contract.RuleGiven:
		return a.f("given to %s", "交给 %s", plain(r.Station))
	case contract.RuleWritten:
		return a.t("closed as written", "了结：已写入")
	case contract.RuleRefunded:
		return a.t("closed as refunded", "了结：已退款")
	case contract.RuleNotWritten:
		return a.t("closed as not written", "了结：未写入")
	}
	return plain(r.Do)
}

// rule is what give and close have in common.
type rule struct {
	file   string
	asJSON bool
	central.Rule
}

func (a *app) ruleFlags(c *cobra.Command, r *rule) {
	a.configFlag(c, &r.file)
	a.jsonFlag(c, &r.asJSON)
	a.byFlag(c, &r.By)
	c.Flags().StringVar(&r.Because, "because", "", a.t("`TEXT` why, for everybody who asks later", "`文字` 原因，供日后查询"))
	c.Flags().BoolVar(&r.NodeIsLost, "node-is-lost", false, a.t("the order's own node will not come back, however lately it was heard of", "该业务所在节点确已丢失，无论最近何时有过消息"))
}

func (a *app) decide(c *cobra.Command, deps CentralDeps, r rule) error {
	if r.Because = strings.TrimSpace(r.Because); r.Because == "" || len(r.Because) > 500 {
		return a.usage(c, "say why with --because, in at most 500 bytes", "请用 --because 说明原因，不超过 500 字节")
	}
	return a.atDesk(c, deps, r.file, func(desk CentralDesk) error {
		ruling, err := desk.Rule(c.Context(), r.Rule)
		if err != nil {
			return err
		}
		if r.asJSON {
			return a.json(ruling)
		}
		a.say("%s: %s, decided by %s on %s; the nodes hear of it from the running centre", "%s：%s，%s 于 %s 决定；由运行中的中心告知各节点",
			plain(r.Order), a.ruling(ruling), plain(ruling.By), localTime(ruling.At))
		return nil
	})
}

// centralGiveCommand is `tally-central doubts give ORDER --to STATION --because TEXT`.
func (a *app) centralGiveCommand(deps CentralDeps) *cobra.Command {
	var r rule
	c := &cobra.Command{
		Use: "give ORDER --to STATION --because TEXT", Short: a.t("let the counter that asked write the order, in the place of its own node", "代所在节点同意，由请求的营业点写卡"), Args: a.args(1, 1),
		Long: a.t("The customer's card lies at another counter, proves that the order is not on it, and the clerk there has asked for it\n(\"ask to write it here\"). The centre agrees in the place of the order's own node; \"write again\" appears at that counter.\n\n",
			"用户的卡在另一营业点，读卡证明该笔未写入，且该处营业员已点“请求在此写卡”。由中心代所在节点同意，该处即可重新写卡。\n\n") + a.lostRule(),
		RunE: func(c *cobra.Command, args []string) error {
			if r.Station == "" {
				return a.usage(c, "name the counter with --to; tally-central doubts shows who wants it", "请用 --to 指明营业点；tally-central doubts 可查谁在请求")
			}
			r.Order, r.Do = args[0], contract.RuleGiven
			return a.decide(c, deps, r)
		},
	}
	a.ruleFlags(c, &r)
	c.Flags().StringVar(&r.Station, "to", "", a.t("`STATION` that has asked for it, as tally-central doubts shows it", "`营业点` 提出请求的营业点，如 tally-central doubts 所示"))
	return c
}

// centralCloseCommand is `tally-central doubts close ORDER --written|--refunded|--not-written --because TEXT`.
func (a *app) centralCloseCommand(deps CentralDeps) *cobra.Command {
	var r rule
	var written, refunded, notWritten bool
	c := &cobra.Command{
		Use: "close ORDER --written|--refunded|--not-written --because TEXT", Short: a.t("the office has settled the order; it stands against sales no more", "已由公司办结，不再妨碍其他营业点售气"), Args: a.args(1, 1),
		Long: a.t(`For an order that no counter can settle any more. Say what is true of it:

  --written      it is on the card, or its meter has taken it: every counter counts the card with it
  --refunded     it is not on the card, and the customer has the money back from the office
  --not-written  it is not on the card, and no money was paid back: settled in another way, or still owed

A card that is found to say otherwise is refused as ahead of the ledger or behind it, with its bytes.

`, `用于任何营业点都无法再处理的业务。请如实选择：

  --written      已在卡上，或表已收取：各营业点均按已写入计
  --refunded     不在卡上，款项已由公司退还用户
  --not-written  不在卡上，也未退款：已另行处理，或仍欠用户

日后读卡与此不符的，将因与账本不符被拒，并留存卡数据。

`) + a.lostRule(),
		RunE: func(c *cobra.Command, args []string) error {
			chosen := 0
			for do, on := range map[string]bool{contract.RuleWritten: written, contract.RuleRefunded: refunded, contract.RuleNotWritten: notWritten} {
				if on {
					chosen, r.Do = chosen+1, do
				}
			}
			if chosen != 1 {
				return a.usage(c, "say one of --written, --refunded and --not-written", "请在 --written、--refunded、--not-written 中选一项")
			}
			r.Order = args[0]
			return a.decide(c, deps, r)
		},
	}
	a.ruleFlags(c, &r)
	c.Flags().BoolVar(&written, "written", false, a.t("it is on the card, or its meter has taken it", "已在卡上，或表已收取"))
	c.Flags().BoolVar(&refunded, "refunded", false, a.t("it is not on the card, and the money was paid back", "不在卡上，款项已退还"))
	c.Flags().BoolVar(&notWritten, "not-written", false, a.t("it is not on the card, and no money was paid back", "不在卡上，也未退款"))
	return c
}

// unruled says why the centre does not decide; nil for another refusal.
func (a *app) unruled(r Refusal) *failure {
	s, known := unruled[central.Unruled(r)]
	if !known {
		return nil
	}
	return &failure{ExitRefused, a.t(s.en, s.zh), a.t(s.hintEn, s.hintZh)}
}

var unruled = map[central.Unruled]struct{ en, zh, hintEn, hintZh string }{
	central.RuleUnknown: {"the centre knows no order in doubt with this id", "中心没有该编号的未明业务", "tally-central doubts lists them", "tally-central doubts 可列出全部"},
	central.RuleEnded:   {"its own node has told the end of this order", "所在节点已了结该笔业务", "", ""},
	central.RuleSeen:    {"another counter has read the order on its card; it stands against nothing", "另一营业点读卡已见到该笔，不妨碍售气", "", ""},
	central.RuleGivenOut: {"another counter has the right to write this order", "该笔已交由另一营业点写卡",
		"that counter writes it, or reads the card and hands it back; tally-central doubts says which", "请该营业点写卡，或读卡后交还；tally-central doubts 可查是哪一处"},
	central.RuleClosed: {"the centre has closed this order already", "中心已了结该笔业务", "tally-central doubts --all shows how", "tally-central doubts --all 可查如何了结"},
	central.RuleNotAsked: {"this counter has not asked for the order", "该营业点未请求代写该笔",
		"have its clerk put the card in and ask to write it there; tally-central doubts shows who wants it", "请该处营业员放卡并点“请求在此写卡”；tally-central doubts 可查谁在请求"},
	central.RuleNotToGive: {"no other counter can judge the card of this order, so none may write it", "其他营业点无法凭卡判断该笔，不能代写", "settle it by hand, then tally-central doubts close", "请人工办结，再用 tally-central doubts close"},
	central.RuleNotCard:   {"an order that makes or changes a card is not written by word", "制卡、换卡类业务不能凭声明视为已写入", "close it as --not-written and make the card anew", "请以 --not-written 了结，再重新制卡"},
	central.RuleOnline:    {"the order's own node is there and settles it itself", "该笔业务所在节点在线，应由其处理", "", ""},
	central.RuleHeard: {"the order's own node was heard of within the last 24 hours", "该笔业务所在节点最近 24 小时内有消息",
		"when it is gone for good, say so with --node-is-lost", "若确已无法恢复，请加 --node-is-lost 声明"},
	central.RuleReplaced: {"the order's own node runs on another ledger now, which does not have the order", "该节点现用的账本中没有该笔业务",
		"when the ledger before is gone for good, say so with --node-is-lost", "若原账本确已无法恢复，请加 --node-is-lost 声明"},
}
