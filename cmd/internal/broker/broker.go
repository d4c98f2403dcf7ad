// Package broker turns the config's way to an MQTT broker into a link's; nodes and the centre share it.
package broker

import (
	"crypto/tls"
	"log/slog"
	"strings"

	"tally/cmd/internal/config"
	"tally/sync/mqttlink"
)

// Config is for mqttlink.NewNode and mqttlink.NewCentre. Certificates are read again at every dial, so that renewed ones
// are taken up without a restart.
func Config(u config.Uplink, log *slog.Logger) mqttlink.Config {
	address, secure := strings.CutPrefix(u.Broker, "ssl://")
	c := mqttlink.Config{
		Broker: strings.TrimPrefix(address, "tcp://"), ClientID: u.ClientID, Username: u.Username, Log: log,
	}
	if u.Password.IsSet() {
		c.Password = func() (string, error) { return u.Password.Reveal(), nil }
	}
	if secure {
		files := mqttlink.TLSFiles{CA: u.CAFile, Cert: u.CertFile, Key: u.KeyFile}
		c.TLS = func() (*tls.Config, error) { return files.Load() }
	}
	return c
}
