package daemon

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tally/cmd/internal/control"
)

// snapshot gives the node's state; metrics are made from it when somebody asks, so no counter can drift away from what
// the page and `tally node status` show.
type snapshot func(ctx context.Context) (control.NodeStatus, error)

// collector turns a snapshot into Prometheus metrics.
type collector struct {
	take snapshot
	descs
}

type descs struct {
	info, ready, problems, readers, cards, waiting, acked, connected, central, meters, asked, answered, open, free, certificate *prometheus.Desc
}

func newCollector(take snapshot) *collector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("tally_"+name, help, labels, nil)
	}
	return &collector{take, descs{
		info:      d("node_info", "Always 1; node name and version as labels.", "node", "version"),
		ready:     d("node_ready", "1 when the node can do its work."),
		problems:  d("node_problems", "Things that are not well, by code.", "code"),
		readers:   d("card_readers", "Card readers that are there."),
		cards:     d("card_readers_with_card", "Card readers that hold a card."),
		waiting:   d("outbox_waiting_records", "Records that the centre has not acknowledged.", "stream"),
		acked:     d("outbox_acked_sequence", "Last sequence that the centre has acknowledged.", "stream"),
		connected: d("uplink_connected", "1 when the broker is connected."),
		central:   d("uplink_central_online", "1 when the central ingest says it is there."),
		meters:    d("meters", "Configured meters by line and state (alive, dead).", "line", "state"),
		asked:     d("line_questions_total", "Questions sent to meters since the start.", "line"),
		answered:  d("line_answers_total", "Good answers from meters since the start.", "line"),
		open:      d("orders_open", "Card orders whose money is without an end, by state.", "state"),
		free:      d("disk_free_bytes", "Free bytes where the data lie."),

		certificate: d("uplink_certificate_expires_timestamp_seconds", "When the node's certificate for the broker ends."),
	}}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.take(context.Background())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.info, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(c.info, 1, s.Node, s.Version)
	gauge(c.ready, bit(s.Ready))
	byCode := map[string]int{}
	for _, p := range s.Problems {
		byCode[p.Code]++
	}
	for code, n := range byCode {
		gauge(c.problems, float64(n), code)
	}
	withCard := 0
	for _, r := range s.Readers {
		if r.Card != control.CardNone {
			withCard++
		}
	}
	gauge(c.readers, float64(len(s.Readers)))
	gauge(c.cards, float64(withCard))
	for _, st := range s.Uplink.Streams {
		gauge(c.waiting, float64(st.Waiting), st.Name)
		gauge(c.acked, float64(st.Acked), st.Name)
	}
	gauge(c.connected, bit(s.Uplink.Connected))
	gauge(c.central, bit(s.Uplink.Central))
	for _, l := range s.Lines {
		gauge(c.meters, float64(l.Alive), l.Name, "alive")
		gauge(c.meters, float64(l.Dead), l.Name, "dead")
		count(c.asked, l.Asked, l.Name)
		count(c.answered, l.Answered, l.Name)
	}
	gauge(c.open, float64(s.Open.InDoubt), "in_doubt")
	gauge(c.open, float64(s.Open.Quarantine), "quarantine")
	gauge(c.free, float64(s.Disk.FreeBytes))
	if end := s.Uplink.CertificateEnds; !end.IsZero() {
		gauge(c.certificate, float64(end.Unix()))
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricsHandler serves the node's metrics beside those of the Go runtime and the process.
func metricsHandler(take snapshot) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(take), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
}
