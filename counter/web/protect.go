package web

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"tally/counter"
)

// policy allows the page its own script, style, pictures and connections, and nothing else: no inline script, no
// frame, no foreign form target.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// protect wraps everything that is served: headers, the host allow-list, and the refusal of requests that another
// site made the browser send.
func (h *Handler) protect(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, voice{lang: h.langOf(r)}, &counter.Refusal{Code: codeCrossOrigin})
	}))
	inner := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		// Not "no-referrer": under that a browser sends "Origin: null" with the page's own forms, and where there is no
		// Sec-Fetch-Site either (plain HTTP in a local network) they could not be told from a foreign page's.
		head.Set("Referrer-Policy", "same-origin")
		if r.TLS != nil {
			head.Set("Cross-Origin-Opener-Policy", "same-origin") // browsers complain of it without TLS
		}
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-store")
		if !h.knownHost(r.Host) {
			h.fail(w, r, voice{lang: h.langOf(r)}, &counter.Refusal{Code: codeWrongHost})
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// knownHost compares the Host header with the allow-list, without case and without a trailing dot.
func (h *Handler) knownHost(host string) bool {
	name := strings.ToLower(host)
	bare := name
	if n, _, err := net.SplitHostPort(name); err == nil {
		bare = n
	}
	bare = strings.TrimSuffix(strings.Trim(bare, "[]"), ".")
	if bare == "localhost" || bare == "127.0.0.1" || bare == "::1" {
		return true
	}
	return slices.ContainsFunc(h.o.Hosts, func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		return allowed != "" && (allowed == name || strings.Trim(allowed, "[]") == bare)
	})
}
