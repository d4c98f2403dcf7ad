package mqttlink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// lenient is cfg for an end whose clock is not to be trusted: without a battery it stands at 1970 after each cut, and
// a node that refuses every certificate as not valid yet would never learn the time nor deliver. Names, signatures and
// authorities are verified as always; the validity of the chain is judged as of the first moment at which all of it is
// valid. What that gives up is only that an expired certificate is not noticed until the clock is right.
func lenient(cfg *tls.Config) *tls.Config {
	cfg = cfg.Clone()
	cfg.InsecureSkipVerify = true // VerifyConnection does all of it, with another time
	cfg.VerifyConnection = func(s tls.ConnectionState) error { return verify(cfg, s) }
	return cfg
}

func verify(cfg *tls.Config, s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("broker has shown no certificate")
	}
	var first time.Time
	between := x509.NewCertPool()
	for i, cert := range s.PeerCertificates {
		if cert.NotBefore.After(first) {
			first = cert.NotBefore
		}
		if i > 0 {
			between.AddCert(cert)
		}
	}
	for {
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
			DNSName: cfg.ServerName, Roots: cfg.RootCAs, Intermediates: between, CurrentTime: first,
		})
		// An authority that was renewed is younger than what it signs for: its own beginning is the next moment to look at.
		late, ok := errors.AsType[x509.CertificateInvalidError](err)
		if !ok || late.Reason != x509.Expired || !late.Cert.NotBefore.After(first) {
			return err
		}
		first = late.Cert.NotBefore
	}
}
