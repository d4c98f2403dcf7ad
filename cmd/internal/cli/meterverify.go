package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tally/meter/profile"
)

// modelJSON is the stable form of what the checker says of one file.
type modelJSON struct {
	File     string   `json:"file"`
	OK       bool     `json:"ok"`
	Model    string   `json:"model,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Error    string   `json:"error,omitempty"`
	Hints    []string `json:"hints"`
}

// meterVerifyCommand is `tally meter verify-model FILE…`.
func (a *app) meterVerifyCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "verify-model FILE...", Short: a.t("check meter models", "检查表计型号文件"), Args: a.args(1, 1000),
		Long: a.t("Read meter models and say what is wrong with them, and what works and is probably not meant (hint). See docs/meter-profiles.md.",
			"读取表计型号文件，指出错误，以及虽可用但可能并非本意之处（提示）。参见 docs/meter-profiles.md。"),
		Example: "  tally meter verify-model models/acme-g4.toml",
		RunE: func(_ *cobra.Command, args []string) error {
			well := true
			var all []modelJSON
			for _, file := range args {
				m := a.verifyModel(file)
				well = well && m.OK
				all = append(all, m)
			}
			if err := a.sayModels(all, asJSON); err != nil {
				return err
			}
			if !well {
				return errNotWell
			}
			return nil
		},
	}
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) verifyModel(file string) modelJSON {
	m := modelJSON{File: file, Hints: []string{}}
	text, err := os.ReadFile(file)
	if err != nil {
		m.Error = plain(err.Error())
		return m
	}
	p, hints, err := profile.Check(filepath.Base(file), text)
	if err != nil {
		m.Error = plain(err.Error())
		return m
	}
	m.OK, m.Model, m.Protocol = true, p.Model, string(p.Protocol)
	for _, h := range hints {
		m.Hints = append(m.Hints, plain(h.String()))
	}
	return m
}

func (a *app) sayModels(all []modelJSON, asJSON bool) error {
	if asJSON {
		return a.json(all)
	}
	text := ""
	for _, m := range all {
		if !m.OK {
			text += m.Error + "\n"
			continue
		}
		text += m.File + ": " + a.f("model %s, %s: in order", "型号 %s，%s：无误", m.Model, m.Protocol) + "\n"
		for _, h := range m.Hints {
			text += "  " + a.t("hint: ", "提示：") + h + "\n"
		}
	}
	_, err := a.env.Out.Write([]byte(text))
	return a.written(err)
}
