package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tally/cmd/internal/config"
	"tally/counter/tariff"
	"tally/sync/contract"
)

// centralPricesCommand is `tally-central publish-prices FILE`.
func (a *app) centralPricesCommand(deps CentralDeps) *cobra.Command {
	var file, by string
	var asJSON bool
	c := &cobra.Command{
		Use: "publish-prices FILE", Short: a.t("release price tables for all nodes", "向全部节点发布价格表（调价）"), Args: a.args(1, 1),
		Long: a.t("Release the price tables of a file: [[tariff]] with class, version, from, period_months and tiers, as in the configuration of a counter. They\nreplace those released before as a whole, so keep in the file what still holds.",
			"发布文件中的价格表：[[tariff]]，含 class、version、from、period_months、tiers，写法与柜台配置相同。\n新发布的价格表整体替换以前的发布，请在文件中保留仍然有效的价格表。"),
		RunE: func(c *cobra.Command, args []string) error {
			tables, err := config.LoadPrices(args[0])
			if err != nil {
				return err
			}
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				wire := priceTables(tables)
				if err := desk.ReleasePrices(c.Context(), wire, by); err != nil {
					return err
				}
				if asJSON {
					return a.json(wire)
				}
				for _, t := range tables {
					if err := a.print("%s", a.f("%s version %d from %s, %d tiers", "%s 第 %d 版，自 %s 起，%d 个阶梯", t.Class, t.Version, t.From, len(t.Tiers))); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	a.byFlag(c, &by)
	return c
}

func priceTables(tables []tariff.Table) []contract.PriceTable {
	out := make([]contract.PriceTable, len(tables))
	for i, t := range tables {
		out[i] = contract.PriceTable{Class: t.Class, Version: t.Version, From: t.From, PeriodMonths: t.PeriodMonths}
		for _, tier := range t.Tiers {
			out[i].Tiers = append(out[i].Tiers, contract.PriceTier{UpToL: int64(tier.UpTo), Price: int64(tier.Price)})
		}
	}
	return out
}

// locked is what lock and unlock print as JSON.
type locked struct {
	Account string `json:"account"`
	Locked  bool   `json:"locked"`
	Lifted  int    `json:"lifted,omitempty"`
}

// centralLockCommand is `tally-central lock ACCOUNT --reason TEXT`.
func (a *app) centralLockCommand(deps CentralDeps) *cobra.Command {
	return a.lockCommand("lock", a.t("stop sales to an account at all nodes", "对某户停售（全部节点）"), deps,
		func(c *cobra.Command, desk CentralDesk, account, reason, by string, asJSON bool) error {
			if err := desk.Lock(c.Context(), account, reason, by); err != nil {
				return err
			}
			if asJSON {
				return a.json(locked{Account: account, Locked: true})
			}
			a.say("sales to %s are stopped as soon as the nodes hear of it", "%s 将在节点收到后停售", account)
			return nil
		})
}

// centralUnlockCommand is `tally-central unlock ACCOUNT --reason TEXT`.
func (a *app) centralUnlockCommand(deps CentralDeps) *cobra.Command {
	return a.lockCommand("unlock", a.t("lift every sale lock of an account", "解除某户的全部停售"), deps,
		func(c *cobra.Command, desk CentralDesk, account, reason, by string, asJSON bool) error {
			n, err := desk.Unlock(c.Context(), account, reason, by)
			if err != nil {
				return err
			}
			if asJSON {
				return a.json(locked{Account: account, Lifted: n})
			}
			a.say("%d locks of %s are lifted as soon as the nodes hear of it", "将在节点收到后解除 %[2]s 的 %[1]d 项停售", n, account)
			return nil
		})
}

func (a *app) lockCommand(use, short string, deps CentralDeps, do func(c *cobra.Command, desk CentralDesk, account, reason, by string, asJSON bool) error) *cobra.Command {
	var file, reason, by string
	var asJSON bool
	c := &cobra.Command{
		Use: use + " ACCOUNT --reason TEXT", Short: short, Args: a.args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if reason = strings.TrimSpace(reason); reason == "" || len(reason) > 500 {
				return a.usage(c, "say why with --reason, in at most 500 bytes", "请用 --reason 说明原因，不超过 500 字节")
			}
			if args[0] == "" || len(args[0]) > 64 {
				return a.usage(c, "%.70q is no account", "%.70q 不是户号", args[0])
			}
			return a.atDesk(c, deps, file, func(desk CentralDesk) error { return do(c, desk, args[0], reason, by, asJSON) })
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	a.byFlag(c, &by)
	c.Flags().StringVar(&reason, "reason", "", a.t("`TEXT` why, for everybody who asks later", "`文字` 原因，供日后查询"))
	return c
}

// settable are the settings that a node takes.
var settable = []string{"broker", "log_level", "max_rate"}

// centralSetCommand is `tally-central set NODE KEY=VALUE…`.
func (a *app) centralSetCommand(deps CentralDeps) *cobra.Command {
	var file string
	var asJSON bool
	c := &cobra.Command{
		Use: "set NODE [KEY=VALUE…]", Short: a.t("settings of a node, which it goes back from when they cut it off", "设置节点参数；若因此失联，节点会自行恢复"), Args: a.args(1, 1+len(settable)),
		Long: a.t("Settings replace those kept for the node before; without any, its own configuration holds again. Keys: ", "新的参数整体替换以前的参数；不带参数则恢复节点自身的配置。键：") + strings.Join(settable, ", "),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.settings(c, args[1:])
			if err != nil {
				return err
			}
			return a.atDesk(c, deps, file, func(desk CentralDesk) error {
				if err := desk.Set(c.Context(), args[0], s); err != nil {
					return err
				}
				if asJSON {
					return a.json(s)
				}
				a.say("%s gets %d settings as soon as it hears of them", "%s 将在收到后启用 %d 项参数", args[0], len(s))
				return nil
			})
		},
	}
	a.configFlag(c, &file)
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) settings(c *cobra.Command, args []string) (contract.Settings, error) {
	s := contract.Settings{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || !slices.Contains(settable, key) {
			return nil, a.usage(c, "%q is no setting; known: %s", "%q 不是参数；可用：%s", arg, strings.Join(settable, ", "))
		}
		var v any = value
		if key == "max_rate" {
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return nil, a.usage(c, "%q is no number of readings a second", "%q 不是每秒记录数", value)
			}
			v = n
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("write setting %s: %w", key, err)
		}
		s[key] = raw
	}
	return s, nil
}
