package postgres

import (
	"net/url"
	"strings"
)

// hasPassword says whether an address has a password of its own. What pgx found elsewhere (PGPASSFILE, environment) is
// none of our business.
func hasPassword(where string) bool {
	if u, err := url.Parse(where); err == nil && u.Scheme != "" {
		_, has := u.User.Password()
		return has || u.Query().Has("password")
	}
	return strings.Contains(strings.ToLower(where), "password")
}
