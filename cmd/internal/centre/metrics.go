package centre

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tally/sync/central"
	"tally/sync/central/dispatch"
)

// grace is what each part may take to stop.
const grace = 4 * time.Second

// metricsHandler serves the centre's figures.
func metricsHandler(ce *Centre) http.Handler {
	reg := prometheus.NewRegistry()
	in, link := ce.ingest, ce.link
	counter := func(name, help string, read func() float64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tally_central_" + name, Help: help}, read))
	}
	count := func(name, help string, read func(central.Stats) uint64) {
		counter(name, help, func() float64 { return float64(read(in.Stats())) })
	}
	count("records_stored_total", "Records committed.", func(s central.Stats) uint64 { return s.Stored })
	count("records_duplicate_total", "Records that were here already with the same bytes.", func(s central.Stats) uint64 { return s.Duplicates })
	count("records_conflict_total", "Records that were here already with other bytes: a cloned disk. In quarantine.", func(s central.Stats) uint64 { return s.Conflicts })
	count("records_quarantined_total", "Records that are not what the contract says.", func(s central.Stats) uint64 { return s.Quarantined })
	count("chain_breaks_total", "Records stored that do not continue the one before.", func(s central.Stats) uint64 { return s.Breaks })
	count("envelopes_total", "Envelopes taken.", func(s central.Stats) uint64 { return s.Envelopes })
	count("envelopes_refused_total", "Payloads of which nothing could be trusted.", func(s central.Stats) uint64 { return s.Refused })
	count("acks_total", "Acknowledgements handed to the broker.", func(s central.Stats) uint64 { return s.Acks })
	count("store_errors_total", "Transactions that failed and were tried again.", func(s central.Stats) uint64 { return s.StoreErrors })
	down := func(name, help string, read func(dispatch.Stats) uint64) {
		counter(name, help, func() float64 { return float64(read(ce.dispatcher.Stats())) })
	}
	down("commands_sent_total", "Commands handed to the broker, repeats included.", func(s dispatch.Stats) uint64 { return s.Commands })
	down("states_published_total", "Desired states handed to the broker.", func(s dispatch.Stats) uint64 { return s.States })
	down("resend_requests_total", "Ranges of acknowledged records that are not here and were asked for: a restored database.", func(s dispatch.Stats) uint64 { return s.Gaps })
	down("dispatch_errors_total", "Rounds in which something could not be sent or made.", func(s dispatch.Stats) uint64 { return s.Errors })
	counter("dropped_total", "Envelopes that came while too many were waiting; their nodes send them again.", func() float64 { return float64(link.Dropped()) })
	for _, code := range []string{central.FindingSums, central.FindingHead, central.FindingAbsent, central.FindingSignature, central.FindingKey,
		central.FindingBreak, central.FindingShort, central.FindingQuarantine, central.FindingSilent, central.FindingVoidWritten, central.FindingOverruled} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "tally_central_reconciliation_findings", Help: "Differences in the last daily report of this instance.", ConstLabels: prometheus.Labels{"code": code},
		}, func() float64 { return float64(ce.accountant.found(code)) }))
	}
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tally_central_connected", Help: "1 when the broker is connected."},
			func() float64 {
				if link.Connected() {
					return 1
				}
				return 0
			}),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
