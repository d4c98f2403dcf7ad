package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tally/cmd/internal/broker"
	"tally/cmd/internal/config"
	"tally/cmd/internal/unit"
	"tally/counter/web"
	"tally/storage"
	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// uplink is the connection to the broker and the delivery over it.
type uplink struct {
	link *mqttlink.Node
	pump *outbox.Pump
}

func newUplink(c config.Node, boot, version string, store *storage.Store, log *slog.Logger) (*uplink, error) {
	up := &uplink{}
	var err error
	cfg := mqttlink.NodeConfig{
		Config: broker.Config(*c.Uplink, log), Node: c.Name,
		Status: func() contract.Status {
			return contract.Status{
				V: contract.Version, Boot: boot, Version: version, Epoch: store.Epoch(), Clock: "ok", Streams: up.pump.Streams(),
			}
		},
	}
	if up.link, err = mqttlink.NewNode(cfg); err != nil {
		return nil, fmt.Errorf("set up the uplink: %w", err)
	}
	alarm := func(a outbox.Alarm) { log.Warn("delivery", "alarm", a.String()) }
	up.pump, err = outbox.NewPump(outbox.Config{Node: c.Name, Boot: boot, OnAlarm: alarm, Newest: up.link.Newest}, up.link,
		store.Queue(contract.Tx), store.Queue(contract.Ev), store.Queue(contract.Rd))
	return up, err
}

// units lists what of the uplink runs. The pump takes the link's events, so it stops after the link.
func (u *uplink) units() []unit.Unit {
	return []unit.Unit{{Name: "delivery", Run: u.pump.Run}, {Name: "broker link", Run: u.link.Run}}
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
