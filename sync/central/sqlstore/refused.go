package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tally/sync/contract"
)

// Bounds of what is kept of refused payloads. A node may write below its topic what it likes and as much as it likes: what
// is kept is for people, who have seen enough by then.
const (
	maxRefused      = 1000      // payloads of one node
	maxRefusedBytes = 128 << 10 // of one payload; nothing sound is longer
	maxTopic        = 256       // bytes of its topic
)

// Refuse implements central.Store.
func (s *Store) Refuse(ctx context.Context, d contract.Delivery, why *contract.Invalid, now time.Time) error {
	payload := d.Payload[:min(len(d.Payload), maxRefusedBytes)]
	if payload == nil {
		payload = []byte{}
	}
	_, err := s.db.ExecContext(ctx, s.dialect.query(s.dialect.ddl(`INSERT INTO refused (topic, sha256, code, place, why, received, payload, node)
		SELECT CAST(?1 AS TEXT), CAST(?2 AS TEXT), CAST(?3 AS TEXT), CAST(?4 AS TEXT), CAST(?5 AS TEXT), CAST(?6 AS TEXT), CAST(?7 AS BLOB), CAST(?8 AS TEXT)
		WHERE (SELECT COUNT(*) FROM refused WHERE node = ?8) < ?9 ON CONFLICT DO NOTHING`)),
		printable(d.Topic[:min(len(d.Topic), maxTopic)]), contract.Hash(d.Payload), why.Code, printable(why.Where), printable(why.Why), stamp(now), payload,
		nodeOf(d.Topic), maxRefused)
	if err != nil {
		return fmt.Errorf("keep a refused envelope: %w", err)
	}
	return nil
}

// nodeOf is whose topic it is; empty when nobody can say.
func nodeOf(topic string) string {
	rest, _ := strings.CutPrefix(topic, "tally/v1/")
	name, _, _ := strings.Cut(rest, "/")
	if contract.CheckNode(name) != nil {
		return ""
	}
	return name
}
