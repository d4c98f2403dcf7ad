package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"tally/cmd/internal/config"
	"tally/sync/contract"
)

// broker is the embedded MQTT broker: on a free loopback port, with two users whose passwords live as long as the
// process. It keeps nothing on disk, which is allowed: only the centre's own word frees a record.
type broker struct {
	srv  *mqtt.Server
	addr string
}

// newBroker admits node and centre to their own topics and nobody else to anything.
func newBroker(node string, nodePass config.Secret, centre string, centrePass config.Secret, log *slog.Logger) (*broker, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the broker's port: %w", err)
	}
	srv := mqtt.New(&mqtt.Options{Logger: log})
	rules := &auth.Ledger{
		Users: auth.Users{
			node: {Password: auth.RString(nodePass.Reveal()), ACL: auth.Filters{
				auth.RString("tally/v1/" + node + "/#"):   auth.ReadWrite,
				auth.RString(contract.CentralStatusTopic): auth.ReadOnly,
			}},
			centre: {Password: auth.RString(centrePass.Reveal()), ACL: auth.Filters{
				"tally/v1/#": auth.ReadWrite, "$share/#": auth.ReadOnly,
			}},
		},
		// What no user rule names is refused; without this line the library would allow it.
		ACL: auth.ACLRules{{Filters: auth.Filters{"#": auth.Deny}}},
	}
	err = errors.Join(
		srv.AddHook(new(auth.Hook), &auth.Options{Ledger: rules}),
		srv.AddListener(listeners.NewNet("loopback", l)),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up the broker: %w", err), l.Close())
	}
	return &broker{srv, l.Addr().String()}, nil
}

// Run serves until ctx ends.
func (b *broker) Run(ctx context.Context) error {
	if err := b.srv.Serve(); err != nil {
		return fmt.Errorf("run the broker: %w", err)
	}
	<-ctx.Done()
	return b.srv.Close()
}

// uplink is the way to the broker for one of its two users.
func (b *broker) uplink(user string, pass config.Secret) config.Uplink {
	return config.Uplink{Broker: "tcp://" + b.addr, ClientID: user, Username: user, Password: pass}
}
