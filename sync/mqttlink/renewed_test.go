package mqttlink

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// signed makes a certificate that is valid from one year to another.
func signed(t *testing.T, name string, from, to int, key *ecdsa.PrivateKey, issuer *x509.Certificate, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(from)), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(to, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: issuer == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if issuer == nil {
		issuer, c.ExtKeyUsage = c, nil
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestAnUnsoundClockTakesARenewedAuthority: an authority is renewed with the same key, so the brokers' certificates are older
// than it. The moment at which all of the chain is valid is not the beginning of the broker's certificate then.
func TestAnUnsoundClockTakesARenewedAuthority(t *testing.T) {
	root, leaf := newKey(t), newKey(t)
	old := signed(t, "ca", 2026, 2031, root, nil, root)
	renewed := signed(t, "ca", 2029, 2036, root, nil, root)
	broker := signed(t, "broker", 2028, 2030, leaf, old, root)
	gone := signed(t, "broker", 2026, 2028, leaf, old, root) // had ended when the authority was renewed
	foreign := newKey(t)
	for name, tc := range map[string]struct {
		shown *x509.Certificate
		roots []*x509.Certificate
		host  string
		good  bool
	}{
		"as it was":            {broker, []*x509.Certificate{old}, "broker", true},
		"renewed":              {broker, []*x509.Certificate{renewed}, "broker", true},
		"both":                 {broker, []*x509.Certificate{renewed, old}, "broker", true},
		"never valid together": {gone, []*x509.Certificate{renewed}, "broker", false},
		"another name":         {broker, []*x509.Certificate{renewed}, "other", false},
		"another authority":    {broker, []*x509.Certificate{signed(t, "ca", 2029, 2036, foreign, nil, foreign)}, "broker", false},
		"nobody":               {broker, nil, "broker", false},
	} {
		pool := x509.NewCertPool()
		for _, r := range tc.roots {
			pool.AddCert(r)
		}
		cfg := &tls.Config{RootCAs: pool, ServerName: tc.host}
		if err := verify(cfg, tls.ConnectionState{PeerCertificates: []*x509.Certificate{tc.shown}}); (err == nil) != tc.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
