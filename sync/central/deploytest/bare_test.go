package deploytest_test

import (
	"crypto/tls"
	"net"
	"net/url"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"tally/sync/mqttlink"
)

func options(t *testing.T, addr, id string, files mqttlink.TLSFiles) *mqtt.ClientOptions {
	t.Helper()
	conf, err := files.Load()
	if err != nil {
		t.Fatal(err)
	}
	conf.ServerName, _, _ = net.SplitHostPort(addr)
	return mqtt.NewClientOptions().AddBroker("ssl://" + addr).SetClientID(id).SetAutoReconnect(false).SetTLSConfig(conf).SetConnectTimeout(time.Minute)
}

// breakable lets a test break the connection that o will make.
func breakable(o *mqtt.ClientOptions) (wire func() net.Conn) {
	var conn net.Conn
	o.SetCustomOpenConnectionFn(func(u *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
		c, err := tls.Dial("tcp", u.Host, o.TLSConfig)
		if err == nil {
			conn = c.NetConn()
		}
		return c, err
	})
	return func() net.Conn { return conn }
}
