package mqttlink_test

import (
	"crypto/tls"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/outbox"
)

// asOf1970 is withCert on a machine whose clock has no battery.
func asOf1970(c mqttlink.Config, a *authority, ca, name string, sound *atomic.Bool) mqttlink.Config {
	files := mqttlink.TLSFiles{CA: ca, Cert: a.path(name + ".crt"), Key: a.path(name + ".key")}
	c.TLS = func() (*tls.Config, error) {
		cfg, err := files.Load()
		if err == nil {
			cfg.Time = func() time.Time { return time.Unix(3600, 0) }
		}
		return cfg, err
	}
	c.Sound = sound.Load
	return c
}

func TestAClockOf1970DoesNotKeepANodeFromItsBroker(t *testing.T) {
	a := newAuthority(t, "ca")
	m := secured(t, a)
	a.issue("hall-1", a)
	var sound, asked atomic.Bool
	sound.Store(true) // a clock that is wrong and claims to be right
	cfg := asOf1970(quick(m.Addr), a, a.path("ca.crt"), "hall-1", &sound)
	load := cfg.TLS
	cfg.TLS = func() (*tls.Config, error) {
		if asked.Swap(true) {
			sound.Store(false) // the second dial: the node has noticed
		}
		return load()
	}
	n := newNode(t, mqttlink.NodeConfig{Config: cfg})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	if sound.Load() {
		t.Error("a certificate that is not valid yet was taken as it is")
	}
}

func TestAnUnsoundClockTrustsNobodyElse(t *testing.T) {
	a, other := newAuthority(t, "ca"), newAuthority(t, "ca")
	m := secured(t, a)
	a.issue("hall-1", a)
	var sound, trusted atomic.Bool
	cfg := asOf1970(quick(m.Addr), a, "", "hall-1", &sound)
	dials := make(chan struct{}, 100)
	cfg.TLS = func() (*tls.Config, error) {
		dials <- struct{}{}
		files := mqttlink.TLSFiles{CA: other.path("ca.crt"), Cert: a.path("hall-1.crt"), Key: a.path("hall-1.key")}
		if trusted.Load() {
			files.CA = filepath.Join(a.dir, "ca.crt")
		}
		return files.Load()
	}
	n := newNode(t, mqttlink.NodeConfig{Config: cfg})
	start(t, n.Run)
	<-dials
	<-dials // the first was refused
	trusted.Store(true)
	wantEvent(t, n, outbox.Connected)
}

// TestTheBrokerMayBeAnotherOneMeanwhile: the address is asked at every dial, and a node can be told to dial anew.
func TestTheBrokerMayBeAnotherOneMeanwhile(t *testing.T) {
	a := newAuthority(t, "ca")
	first, second := secured(t, a), secured(t, a)
	a.issue("hall-1", a)
	cfg := withCert(quick("127.0.0.1:1"), a, a.path("ca.crt"), "hall-1")
	var addr atomic.Value
	addr.Store(first.Addr)
	cfg.Address = func() string { return addr.Load().(string) }
	n := newNode(t, mqttlink.NodeConfig{Config: cfg})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	addr.Store(second.Addr)
	n.Redial()
	wantEvent(t, n, outbox.Lost)
	wantEvent(t, n, outbox.Connected)
	first.Kill()
	if err := <-n.Publish(t.Context(), contract.Tx, []byte("x")); err != nil {
		t.Errorf("the broker that is no longer meant was asked: %v", err)
	}
}
