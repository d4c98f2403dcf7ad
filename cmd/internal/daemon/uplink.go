package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"tally/cmd/internal/broker"
	"tally/cmd/internal/logging"
	"tally/cmd/internal/unit"
	"tally/counter/web"
	"tally/sync/contract"
	"tally/sync/inbox"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// uplink is the connection to the broker, the delivery over it, and what the centre wants of the node.
type uplink struct {
	link     *mqttlink.Node
	pump     *outbox.Pump
	inbox    *inbox.Inbox
	settings *settings
	desired  *desired
	cert     *certificate
	level    *logLevel
	broker   atomic.Pointer[string] // host:port of now
}

// newUplink wires the delivery and everything that listens to the centre, and brings back what it wanted last.
func (n *Node) newUplink(ctx context.Context, p Parts) (*uplink, error) {
	cfg := n.cfg.Uplink
	up := &uplink{level: newLogLevel(logging.LevelOf(n.log))}
	up.settings = newSettings(n.store, cfg.Broker, cfg.Delivery.Confirm, func(s Settings) { n.use(up, s) }, n.log)
	up.desired = &desired{store: n.store, desk: priced{n.service, n.prices}, settings: up.settings, announce: func() { up.link.Announce() }, log: n.log}
	files := mqttlink.TLSFiles{CA: cfg.CAFile, Cert: cfg.CertFile, Key: cfg.KeyFile}
	up.cert = &certificate{expires: files.Expires, store: n.store, now: time.Now, log: n.log}
	var err error
	if up.inbox, err = n.newInbox(up.desired, n.backups, up.level); err != nil {
		return nil, fmt.Errorf("set up the inbox: %w", err)
	}
	if err := n.connect(up, p); err != nil {
		return nil, fmt.Errorf("set up the uplink: %w", err)
	}
	if err := up.desired.load(ctx); err != nil {
		return nil, err
	}
	return up, up.settings.load(ctx)
}

// connect makes link and pump; neither dials yet.
func (n *Node) connect(up *uplink, p Parts) (err error) {
	link := mqttlink.NodeConfig{
		Config: broker.Config(*n.cfg.Uplink, n.log), Node: n.cfg.Name, Status: func() contract.Status { return n.told(up) },
		Down: up.inbox.Take,
	}
	usual := link.Broker
	up.broker.Store(&usual)
	link.Address = func() string { return *up.broker.Load() }
	link.Sound = func() bool { return sound(time.Now()) }
	if p.Link != nil {
		p.Link(&link)
	}
	if up.link, err = mqttlink.NewNode(link); err != nil {
		return err
	}
	delivery := outbox.Config{
		Node: n.cfg.Name, Boot: n.boot, Newest: up.link.Newest, MaxRate: n.cfg.Uplink.Delivery.MaxRate,
		Clock:   func() string { return clockQuality(time.Now()) },
		OnAlarm: func(a outbox.Alarm) { n.log.Warn("delivery", "alarm", a.String()) },
	}
	if p.Outbox != nil {
		p.Outbox(&delivery)
	}
	up.pump, err = outbox.NewPump(delivery, up.link, n.store.Queue(contract.Tx), n.store.Queue(contract.Ev), n.store.Queue(contract.Rd))
	return err
}

// told is what the centre hears of the node.
func (n *Node) told(up *uplink) contract.Status {
	s := contract.Status{
		Boot: n.boot, Version: n.version, Epoch: n.store.Epoch(), Clock: clockQuality(time.Now()), Streams: up.pump.Streams(),
		Cfg: up.desired.version.Load(),
	}
	if n.cfg.Counter.Enabled {
		s.Region = n.cfg.Counter.Region
	}
	return s
}

// use makes settings those of now. A broker that differs is dialled at once.
func (n *Node) use(up *uplink, s Settings) {
	address, rate, level := n.cfg.Uplink.Broker, n.cfg.Uplink.Delivery.MaxRate, ""
	if s.Broker != nil {
		address = *s.Broker
	}
	if s.MaxRate != nil {
		rate = *s.MaxRate
	}
	if s.LogLevel != nil {
		level = *s.LogLevel
	}
	_, address, _ = strings.Cut(address, "://")
	up.pump.SetMaxRate(rate)
	up.level.set(level)
	if before := up.broker.Swap(&address); *before != address {
		up.link.Redial()
	}
}

// units lists what of the uplink runs. The pump takes the link's events, so it stops after the link; what listens to the
// centre stops before.
func (u *uplink) units(changed func()) []unit.Unit {
	return []unit.Unit{
		{Name: "delivery", Run: u.pump.Run}, {Name: "broker link", Run: u.link.Run},
		{Name: "settings on trial", Run: u.settings.run}, {Name: "certificate", Run: u.cert.run},
		{Name: "inbox", Run: func(ctx context.Context) error { defer u.level.end(); return u.inbox.Run(ctx) }},
		{Name: "delivery watch", Run: func(ctx context.Context) error { return u.watch(ctx, changed) }},
	}
}

// watch calls changed whenever the delivery has moved, looked at once a second: an ack moves a number on the page, and
// a page that is a second behind is live enough.
func (u *uplink) watch(ctx context.Context, changed func()) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var before [2]uint64
	var there [2]bool
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s := u.pump.Snapshot(ctx)
		now := [2]uint64{s.Waiting(), acked(s)}
		if is := [2]bool{s.Connected, s.Central}; now != before || is != there {
			before, there = now, is
			changed()
		}
	}
}

func acked(s outbox.Snapshot) uint64 {
	var n uint64
	for _, st := range s.Streams {
		n += st.Acked
	}
	return n
}

// Uplink implements web.Uplink.
func (n *Node) Uplink() web.UplinkView {
	if n.uplink == nil {
		return web.UplinkView{}
	}
	s := n.uplink.pump.Snapshot(context.Background())
	v := web.UplinkView{Configured: true, Connected: s.Connected, Central: s.Central, Waiting: s.Waiting(), Acked: acked(s)}
	if n.uplink.cert.nearEnd() {
		v.CertEnds = n.uplink.cert.ends()
	}
	for _, st := range s.Streams {
		if !st.Oldest.IsZero() && (v.Oldest.IsZero() || st.Oldest.Before(v.Oldest)) {
			v.Oldest = st.Oldest
		}
		if st.LastAck.After(v.LastAck) {
			v.LastAck = st.LastAck
		}
	}
	return v
}
