package daemon

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"

	"tally/cmd/internal/config"
	"tally/cmd/internal/control"
	"tally/cmd/internal/local"
	"tally/cmd/internal/unit"
	"tally/meter"
	"tally/storage"
)

// unusable reports that the ledger itself is what keeps a node from starting: it lost bytes, or it is gone.
func unusable(err error) bool {
	return errors.Is(err, storage.ErrDamaged) || errors.Is(err, storage.ErrLedgerMissing)
}

// broken is a node whose ledger cannot be used. It sells nothing and reads nothing; its page, its probes and its door
// say why and what helps, until somebody stops it.
type broken struct {
	cfg     config.Node
	version string
	cause   error
}

// runBroken serves the explanation until ctx ends. The cause is the error that the node ends with, so that the exit code
// tells a supervisor too.
func runBroken(ctx context.Context, c config.Node, version string, cause error, log *slog.Logger) error {
	b := broken{cfg: c, version: version, cause: cause}
	http, err := local.Listen(c.HTTP)
	if err != nil {
		return errors.Join(cause, err)
	}
	door, err := control.Listen(c.Socket())
	if err != nil {
		return errors.Join(cause, err, http.Close())
	}
	log.Error("ledger cannot be used: sales are stopped; restore a backup", "node", c.Name, "data", c.DataDir, "err", cause)
	err = unit.Run(ctx, log, grace, []unit.Unit{
		{Name: "control socket", Run: func(ctx context.Context) error { return control.Serve(ctx, door, b, log) }},
		local.Server("page", http, local.Probes(b, metricsHandler(b.Status), b), nil, log),
	})
	return errors.Join(cause, err)
}

// Ready implements local.Watch.
func (b broken) Ready(context.Context) error { return fmt.Errorf("sales are stopped: %w", b.cause) }

// ServeHTTP is the whole page.
func (b broken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(http.StatusServiceUnavailable)
	if r.Method == http.MethodHead {
		return
	}
	fmt.Fprintf(w, brokenPage, html.EscapeString(b.cfg.Name), html.EscapeString(b.cause.Error()), html.EscapeString(b.cfg.DataDir))
}

const brokenPage = `<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>tally</title>
<style>body{font:18px/1.6 sans-serif;margin:3em auto;max-width:44em;padding:0 1em}h1{color:#a00}code{word-break:break-all}</style></head><body>
<h1>账本损坏，已停止售气</h1>
<p>节点 %[1]s 的账本无法使用。请勿写卡。请通知管理员：停止 tallyd，移走并保留数据目录，用 <code>tallyd restore</code> 恢复最近的备份。</p>
<h1>The ledger is damaged. Sales are stopped.</h1>
<p>The ledger of node %[1]s cannot be used. Write no cards. Tell the administrator: stop tallyd, move the data folder away and keep it,
and make a new one of the last backup with <code>tallyd restore</code>.</p>
<p><code>%[2]s</code><br><code>%[3]s</code></p>
</body></html>
`

// Status implements control.Node.
func (b broken) Status(context.Context) (control.NodeStatus, error) {
	return control.NodeStatus{
		Node: b.cfg.Name, Version: b.version, Disk: control.Disk{Dir: b.cfg.DataDir},
		Problems: []control.Problem{{Code: control.ProblemLedger, Message: b.cause.Error()}},
	}, nil
}

func (b broken) refuse() error {
	return &control.Error{Code: control.CodeNoLedger, Message: b.cause.Error()}
}

// Readers implements control.Cards.
func (b broken) Readers(context.Context) ([]control.Reader, error) { return nil, b.refuse() }

// Card implements control.Cards.
func (b broken) Card(context.Context, string) (control.Card, error) {
	return control.Card{}, b.refuse()
}

// Meters implements control.Node.
func (b broken) Meters(context.Context) ([]control.Meter, error) { return nil, b.refuse() }

// MeterRead implements control.Node.
func (b broken) MeterRead(context.Context, meter.ID) (meter.Reading, error) {
	return meter.Reading{}, b.refuse()
}
