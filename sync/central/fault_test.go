package central_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tally/sync/mqttlink/mqtttest"
	"tally/sync/outbox"
)

// mosquitto 2.0 answers a publish that its access list denies with a PUBACK all the same.
func TestFaultTheAccessListDeniesWhatThePubackConfirms(t *testing.T) {
	acl := filepath.Join(t.TempDir(), "acl")
	rules := "topic read tally/v1/#\ntopic write tally/v1/central/st\ntopic write tally/v1/+/st\ntopic write tally/v1/+/dn/#\ntopic write tally/v1/+/up/rd\n"
	if err := os.WriteFile(acl, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := mqtttest.StartMosquitto(t, "acl_file "+acl).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	n := startNode(t, addr, "hall-1", "e1")
	n.tx.Sales(5, 10, 3) // denied
	n.rd.Readings(5)     // allowed
	until(t, "rd", empty(n.rd))
	if st := n.tx.State(); st.Acked != 0 || c.number(t, "SELECT COUNT(*) FROM sale") != 0 {
		t.Errorf("%+v", st)
	}
}

func TestFaultTwoNodesWithTheSameDisk(t *testing.T) {
	addr := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, addr, filepath.Join(t.TempDir(), "central.db"))
	first := startNode(t, addr, "hall-1", "e1")
	first.tx.Sales(5, 10, 3)
	until(t, "the first", empty(first.tx))
	first.end()

	clone := startNode(t, addr, "hall-1", "e1") // an image from after the third sale, gone on by itself
	clone.tx.Sales(3, 10, 3)
	clone.tx.Sales(4, 77, 20)
	until(t, "the clone", empty(clone.tx))
	if a := clone.alarm(t); a.Code != outbox.AlarmNacked && a.Code != outbox.AlarmBeyond {
		t.Errorf("%v", a)
	}
	for query, want := range map[string]int64{
		"SELECT SUM(amount_fen) FROM sale WHERE seq <= 5":           15,
		"SELECT COUNT(*) FROM quarantine WHERE code = 'conflict'":   2,
		"SELECT COUNT(*) FROM record WHERE chained = 0 AND seq = 6": 1, // it follows a record that is not the one stored
		"SELECT COUNT(*) FROM record":                               7,
		"SELECT COUNT(*) FROM quarantine WHERE code = 'bad_record'": 0,
		"SELECT COUNT(*) FROM stream_state WHERE acked = 7":         1,
	} {
		if got := c.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestFaultLongLine(t *testing.T) {
	broker := mqtttest.StartMosquitto(t).Addr
	c := startCentre(t, broker, filepath.Join(t.TempDir(), "central.db"))
	n := newNode("hall-1", "e1")
	n.wait = 10 * time.Minute // a busy machine is not the line
	n.start(t, mqtttest.SlowLine(t, broker, 400*time.Millisecond))
	n.tx.Sales(500, 10, 3)
	n.rd.Readings(2000)
	until(t, "tx", empty(n.tx))
	until(t, "rd", empty(n.rd))
	if s := c.ingest.Stats(); s.Stored != 2500 || s.Duplicates != 0 {
		t.Errorf("%+v: a long line is no reason to send twice", s)
	}
}
