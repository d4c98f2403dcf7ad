package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Version is set by the linker (-X tally/cmd/internal/cli.Version=…). Without it the build's own record is used.
var Version string

// VersionString names this build: the linker's version, else the module's, else the commit, else "unknown".
func VersionString() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return buildVersion(info)
}

func buildVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if revision == "" {
		return "unknown"
	}
	return revision + dirty
}

// versionCommand is `… version [--json]`.
func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: a.t("say which version this is", "显示版本"), Args: a.args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			platform := fmt.Sprintf("%s/%s", runtime.GOOS, runtime.GOARCH)
			if asJSON {
				return a.json(struct {
					Program  string `json:"program"`
					Version  string `json:"version"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{a.name, VersionString(), runtime.Version(), platform})
			}
			return a.print("%s %s %s %s", a.name, VersionString(), runtime.Version(), platform)
		},
	}
	a.jsonFlag(c, &asJSON)
	return c
}

func (a *app) jsonFlag(c *cobra.Command, v *bool) {
	c.Flags().BoolVar(v, "json", false, a.t("print JSON", "输出 JSON"))
}
