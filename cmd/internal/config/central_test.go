package config

import (
	"testing"
	"time"
)

func TestACentreOnPostgres(t *testing.T) {
	t.Setenv("TEST_PASSWORD", testPassword)
	text := `
id = "central-2"
group = "ingest"
database = "postgres://tally@db.example:5433/tally?sslmode=verify-full"
database_password_env = "TEST_PASSWORD"
reconcile_at = "03:45"
[uplink]
broker = "tcp://127.0.0.1:1883"
`
	c, err := parse("central.toml", []byte(text), Options{Getenv: testEnv}, (*document).central)
	if err != nil {
		t.Fatal(err)
	}
	if c.Database != "" || c.Group != "ingest" || c.ID != "central-2" || c.DatabasePassword.Reveal() != testPassword || c.ReconcileAt != 3*time.Hour+45*time.Minute {
		t.Errorf("%+v", c)
	}
	if got := c.DatabaseName(); got != "postgres://db.example:5433/tally" {
		t.Errorf("shown as %s", got)
	}
	if got := (Central{Database: "/x/central.db"}).DatabaseName(); got != "/x/central.db" {
		t.Errorf("shown as %s", got)
	}
}
