package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// hostPort is an address with a port.
func (t *table) hostPort(key, def, example string) string {
	s := t.text(key, def)
	if s != def && !IsHostPort(s) {
		t.bad(key, codeAddress, quoted(s), example)
		return def
	}
	return s
}

// IsHostPort reports whether s is host:port, with an empty host allowed.
func IsHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || (host != "" && !isHost(host)) {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

// isHost accepts IP addresses and DNS names.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if !isName(label) || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return true
}

// isLoopback reports whether only this machine can reach a listener on the address.
func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// broker is the URL of a broker with its port filled in, and whether it is spoken to over TLS.
func (t *table) broker(key string) (address string, tls bool) {
	s := t.required(key, `"tcp://broker.example:1883"`)
	if s == "" {
		return "", false
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@"), err == nil && u.User != nil:
		t.bad(key, codeCredentials) // what stands there holds a secret
		return "", false
	case err != nil, u.Scheme != "tcp" && u.Scheme != "ssl", u.Path != "", u.RawQuery != "", u.Fragment != "", !isHost(u.Hostname()):
		t.bad(key, codeBroker, quoted(s))
		return "", false
	}
	tls = u.Scheme == "ssl"
	if u.Port() != "" {
		if !IsHostPort(u.Host) {
			t.bad(key, codeBroker, quoted(s))
		}
		return s, tls
	}
	port := "1883"
	if tls {
		port = "8883"
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port), tls
}
