package centre

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tally/sync/central"
	"tally/sync/mqttlink"
)

// grace is what each part may take to stop.
const grace = 4 * time.Second

// metricsHandler serves the ingest's figures.
func metricsHandler(in *central.Ingest, link *mqttlink.Centre) http.Handler {
	reg := prometheus.NewRegistry()
	count := func(name, help string, read func(central.Stats) uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tally_central_" + name, Help: help},
			func() float64 { return float64(read(in.Stats())) }))
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
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tally_central_connected", Help: "1 when the broker is connected."},
			func() float64 {
				if link.Connected() {
					return 1
				}
				return 0
			}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tally_central_dropped_total", Help: "Envelopes that came while too many were waiting; their nodes send them again."},
			func() float64 { return float64(link.Dropped()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
