package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Central is the configuration of tally-central, checked and complete. Paths are absolute.
type Central struct {
	File             string
	ID               string        // client id at the broker, [A-Za-z0-9_-]{1,64}; each instance has its own
	Group            string        // instances of one group share the nodes' envelopes; alone when empty
	Database         string        // path of the SQLite file; empty with Postgres
	Postgres         string        // postgres://user@host:port/name?…, without a password; empty with Database
	DatabasePassword Secret        // of Postgres; unset when the server knows us by other means
	SigningKey       string        // file of the key that nodes obey; without it nothing can be commanded
	ReconcileAt      time.Duration // after midnight, UTC+8: when the day before is compared with what nodes say
	Listen           string        // loopback host:port for health and metrics
	Log              Log
	Uplink           Uplink
}

// DatabaseName is what may be shown of the database.
func (c Central) DatabaseName() string {
	if c.Postgres == "" {
		return c.Database
	}
	u, err := url.Parse(c.Postgres)
	if err != nil { // checked when it was read
		return "postgres"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// central resolves the configuration of tally-central.
func (d *document) central(t *table, known Known) Central {
	c := Central{File: d.file, ID: t.name("id", "tally-central"), Group: t.name("group", "")}
	d.database(t, &c)
	c.SigningKey = t.file("signing_key_file", true)
	if c.SigningKey != "" && known.SigningKey != nil {
		if err := known.SigningKey(c.SigningKey); err != nil {
			t.bad("signing_key_file", codeFile, err.Error())
		}
	}
	c.ReconcileAt = t.timeOfDay("reconcile_at", 2*time.Hour)
	c.Listen = d.local(t.sub("http"))
	c.Log = d.log(t.sub("log"))
	if !t.has("uplink") {
		t.bad("uplink", codeMissing, `[uplink] broker = "tcp://broker.example:1883"`)
	} else {
		sub := t.sub("uplink")
		c.Uplink = d.uplink(sub, c.ID)
		sub.close()
	}
	t.close()
	return c
}

// database is a file, or the address of a PostgreSQL server.
func (d *document) database(t *table, c *Central) {
	where := t.required("database", `"central.db"`)
	c.DatabasePassword = t.secret("database_password")
	if scheme, _, isURL := strings.Cut(where, "://"); isURL {
		c.Postgres = where
		t.postgres("database", scheme, where)
		return
	}
	c.Database = d.resolve(where)
	if where != "" {
		t.unfit(fmt.Sprintf("database = %s", quoted(where)), "database_password_file", "database_password_env", "group")
	}
}

// postgres checks an address without ever repeating it: what stands there may hold a secret.
func (t *table) postgres(key, scheme, where string) {
	u, err := url.Parse(where)
	switch {
	case err != nil, scheme != "postgres" && scheme != "postgresql", u.Path == "" || u.Path == "/":
		t.bad(key, codeDatabase)
		return
	}
	_, has := u.User.Password()
	if has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		t.bad(key, codePasswordURL)
	}
}

var timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// timeOfDay is a time like "03:30", as it is after midnight.
func (t *table) timeOfDay(key string, def time.Duration) time.Duration {
	s := t.text(key, "")
	if s == "" {
		return def
	}
	if !timeOfDay.MatchString(s) {
		t.bad(key, codeTimeOfDay, quoted(s))
		return def
	}
	at, err := time.Parse("15:04", s)
	if err != nil { // the pattern is stricter
		return def
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}
