package mqttlink_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tally/sync/contract"
	"tally/sync/mqttlink"
	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// authority makes certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue(name, nil)
	return a
}

// issue writes name.crt and name.key, signed by the authority or, at first, by itself.
func (a *authority) issue(name string, parent *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: parent == nil, BasicConstraintsValid: true,
	}
	signer, signKey := tmpl, key
	if parent != nil {
		signer, signKey = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, signer, &key.PublicKey, signKey)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.pem(name+".crt", "CERTIFICATE", der)
	a.pem(name+".key", "EC PRIVATE KEY", raw)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) pem(name, typ string, der []byte) {
	if err := os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// secured is a mosquitto that takes its clients' names from their certificates and lets each only to its own topics.
func secured(t *testing.T, a *authority) *mqtttest.Mosquitto {
	acl := a.path("acl")
	rules := "user central\ntopic readwrite tally/v1/#\npattern write tally/v1/%u/up/#\npattern write tally/v1/%u/st\n" +
		"pattern read tally/v1/%u/dn/#\npattern read tally/v1/central/st\n"
	if err := os.WriteFile(acl, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	a.issue("broker", a)
	return mqtttest.StartMosquitto(t, "cafile "+a.path("ca.crt"), "certfile "+a.path("broker.crt"), "keyfile "+a.path("broker.key"),
		"require_certificate true", "use_identity_as_username true", "allow_anonymous false", "acl_file "+acl)
}

func withCert(c mqttlink.Config, a *authority, ca, name string) mqttlink.Config {
	c.TLS = mqttlink.TLSFiles{CA: ca, Cert: a.path(name + ".crt"), Key: a.path(name + ".key")}.Load
	return c
}

func TestClientCertificates(t *testing.T) {
	a := newAuthority(t, "ca")
	m := secured(t, a)
	a.issue("central", a)
	a.issue("hall-1", a)
	c := newCentre(t, withCert(quick(m.Addr), a, a.path("ca.crt"), "central"))
	c.Present(true)
	start(t, c.Run)
	n := newNode(t, mqttlink.NodeConfig{Config: withCert(quick(m.Addr), a, a.path("ca.crt"), "hall-1")})
	start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	wantEvent(t, n, outbox.CentralOnline)
	if err := <-n.Publish(t.Context(), contract.Tx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	select {
	case d := <-c.In():
		if d.Topic != "tally/v1/hall-1/up/tx" {
			t.Error(d.Topic)
		}
	case <-time.After(patience):
		t.Error("the centre has got nothing")
	}
}

func TestABrokerOfAnotherAuthorityIsRefusedUntilTheFileSaysOtherwise(t *testing.T) {
	a, other := newAuthority(t, "ca"), newAuthority(t, "ca")
	m := secured(t, a)
	a.issue("hall-1", a)
	trusted := filepath.Join(t.TempDir(), "trusted.crt")
	copyFile(t, other.path("ca.crt"), trusted)
	c := withCert(quick(m.Addr), a, trusted, "hall-1")
	tries := 0
	c.Jitter = func(time.Duration) time.Duration {
		if tries++; tries == 3 {
			copyFile(t, a.path("ca.crt"), trusted) // the authority was changed while the node runs
		}
		return 0
	}
	n := newNode(t, mqttlink.NodeConfig{Config: c})
	stop := start(t, n.Run)
	wantEvent(t, n, outbox.Connected)
	stop()
	if tries < 3 {
		t.Errorf("connected after %d refusals: the broker's certificate was not verified", tries)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBadCertificateFilesAreNamed(t *testing.T) {
	a := newAuthority(t, "ca")
	for name, f := range map[string]mqttlink.TLSFiles{
		"no such CA":      {CA: a.path("nothing")},
		"CA is a key":     {CA: a.path("ca.key")},
		"half a pair":     {Cert: a.path("ca.crt")},
		"pair mismatched": {Cert: a.path("ca.crt"), Key: a.path("ca.crt")},
	} {
		if _, err := f.Load(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := mqttlink.PasswordFile(a.path("nothing"))(); err == nil {
		t.Error("a missing password file was accepted")
	}
}

func TestTheEndOfACertificateIsKnown(t *testing.T) {
	a := newAuthority(t, "ca")
	cert, _ := a.issue("hall-1", a)
	f := mqttlink.TLSFiles{CA: a.path("ca.crt"), Cert: a.path("hall-1.crt"), Key: a.path("hall-1.key")}
	if at, err := f.Expires(); err != nil || !at.Equal(cert.NotAfter) {
		t.Error(at, err)
	}
	if at, err := (mqttlink.TLSFiles{}).Expires(); err != nil || !at.IsZero() {
		t.Error(at, err)
	}
}
