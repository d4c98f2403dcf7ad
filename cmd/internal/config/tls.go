package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS builds what a connection to the broker needs; nil for a plain one. The broker's name is always verified.
func (u Uplink) TLS() (*tls.Config, error) {
	if u.Broker == "" || u.Broker[:4] != "ssl:" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if u.CAFile != "" {
		roots, err := authorities(u.CAFile)
		if err != nil {
			return nil, err
		}
		c.RootCAs = roots
	}
	if u.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(u.CertFile, u.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("load %s and %s: %w", u.CertFile, u.KeyFile, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

var errNoCertificate = errors.New("holds no certificate in PEM form")

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %w", file, errNoCertificate)
	}
	return pool, nil
}

// tls reports certificate files that a connection could not use.
func (t *table) tls(u Uplink) {
	if u.CAFile != "" {
		if _, err := authorities(u.CAFile); err != nil {
			t.bad("ca_file", codeFile, err.Error())
		}
	}
	if u.CertFile != "" && u.KeyFile != "" {
		if _, err := tls.LoadX509KeyPair(u.CertFile, u.KeyFile); err != nil {
			t.bad("cert_file", codeFile, u.CertFile+": "+err.Error())
		}
	}
}
