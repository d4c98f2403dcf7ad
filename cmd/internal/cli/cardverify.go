package cli

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tally/cardreader/profile"
	"tally/cardreader/purse"
)

// maxProfile bounds a profile file.
const maxProfile = 1 << 20

// verified is the JSON of `tally card verify-profile`.
type verified struct {
	File     string           `json:"file"`
	Profile  string           `json:"profile"`
	OK       bool             `json:"ok"`
	Problems []profileProblem `json:"problems"`
	Chip     string           `json:"chip"`
	Card     *purse.State     `json:"card"` // what the dump means by this profile, when one was given
	Refused  string           `json:"refused"`
}

type profileProblem struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	Text string `json:"text"`
}

// cardVerifyCommand is `tally card verify-profile FILE [--dump DUMP]`.
func (a *app) cardVerifyCommand() *cobra.Command {
	var asJSON bool
	var dumpFile string
	c := &cobra.Command{
		Use: "verify-profile FILE", Short: a.t("check the description of a maker's card", "检查厂家卡片的规格描述"), Args: a.args(1, 1),
		Long: a.t("Check a card profile and say everything that is wrong with it, with its line. With --dump, read the dump of a real card by it.\nFILE may also be the name of a profile that comes with tally.",
			"检查卡片规格文件，按行号列出全部问题。给出 --dump 时，按该规格解读一张真实卡片的转储。FILE 也可以是随附规格的名称。"),
		Example: "  tally card verify-profile acme-v2.toml\n  tally card verify-profile acme-v2.toml --dump card.json",
		RunE: func(_ *cobra.Command, args []string) error {
			v, err := a.verifyProfile(args[0], dumpFile)
			if err != nil {
				return err
			}
			if asJSON {
				err = a.json(v)
			} else {
				_, err = io.WriteString(a.env.Out, a.verified(v))
				err = a.written(err)
			}
			if err == nil && (!v.OK || v.Refused != "") {
				return errNotWell
			}
			return err
		},
	}
	a.jsonFlag(c, &asJSON)
	c.Flags().StringVar(&dumpFile, "dump", "", a.t("`FILE` dump of a card to read by the profile", "`文件` 用该规格解读的转储"))
	return c
}

func (a *app) verifyProfile(file, dumpFile string) (verified, error) {
	v := verified{File: file, Problems: []profileProblem{}}
	p, err := a.layout(file)
	if bad, ok := errors.AsType[*profile.Error](err); ok {
		for _, b := range bad.Problems {
			v.Problems = append(v.Problems, profileProblem{b.Line, b.Key, b.Msg})
		}
		return v, nil
	}
	if err != nil {
		return v, err
	}
	a.tried = p
	v.OK, v.Profile, v.Chip = true, p.Name, p.Chip.Type
	if dumpFile == "" {
		return v, nil
	}
	d, err := a.readDump(dumpFile)
	if err != nil {
		return v, err
	}
	st, err := purse.Decode(p, d.Image)
	if err != nil {
		v.Refused = err.Error()
		return v, nil
	}
	st.Damaged = append([]string{}, st.Damaged...)
	v.Card = &st
	return v, nil
}

// layout is a profile by the name of one that comes with tally or by its file; nil for an empty name.
func (a *app) layout(name string) (*profile.Profile, error) {
	if name == "" {
		return nil, nil
	}
	if p, err := profile.Builtin(name); err == nil {
		return p, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &failure{ExitUsage, a.f("there is no card profile %q, and no such file", "没有卡片规格 %q，也没有该文件", name),
			a.t("known: ", "已有：") + strings.Join(profile.List(), ", ")}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxProfile))
	if err != nil {
		return nil, &failure{ExitUsage, a.f("the profile cannot be read: %v", "无法读取规格：%v", err), ""}
	}
	return profile.Load(name, raw)
}

func (a *app) verified(v verified) string {
	if !v.OK {
		var b strings.Builder
		for _, p := range v.Problems {
			b.WriteString(located(v.File, p.Line, p.Key, p.Text))
		}
		return b.String() + a.f("problems: %d\n", "问题：%d\n", len(v.Problems))
	}
	out := a.f("%s (%s): no problems\n", "%s（%s）：没有问题\n", plain(v.Profile), plain(v.Chip))
	switch {
	case v.Refused != "":
		out += a.f("the dump is not a card of this profile: %s\n", "转储不是该规格的卡片：%s\n", plain(v.Refused))
	case v.Card != nil:
		out += a.stateTable(*v.Card)
	}
	return out
}
