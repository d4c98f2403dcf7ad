package mqttlink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// PasswordFile reads a password at every dial, so that a changed one is taken up. A line end is not part of it.
func PasswordFile(path string) func() (string, error) {
	return func() (string, error) {
		raw, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		if p := strings.TrimRight(string(raw), "\r\n"); p != "" {
			return p, nil
		}
		return "", fmt.Errorf("read password: %s is empty", path)
	}
}

// TLSFiles are PEM files, read at every dial so that renewed certificates and a new CA are taken up without a restart.
type TLSFiles struct {
	CA   string // the authorities to trust; the system's when empty
	Cert string // this end's certificate, its common name the node's name; none when empty
	Key  string
	Name string // the name in the broker's certificate, when it is not the host of its address
}

// Load is for Config.TLS.
func (f TLSFiles) Load() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.Name}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("read CA of the broker: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read CA of the broker: no certificate in %s", f.CA)
		}
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("read client certificate: certificate and key belong together")
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Expires says when this end's certificate ends, so that somebody can be warned in time; zero without one.
func (f TLSFiles) Expires() (time.Time, error) {
	if f.Cert == "" {
		return time.Time{}, nil
	}
	c, err := f.Load()
	if err != nil {
		return time.Time{}, err
	}
	leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0])
	if err != nil {
		return time.Time{}, fmt.Errorf("read client certificate: %w", err)
	}
	return leaf.NotAfter, nil
}
