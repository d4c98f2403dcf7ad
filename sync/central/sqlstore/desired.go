package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// maxDeltas bounds what one desired state tells of accounts; further ones follow when it is confirmed.
const maxDeltas = 500

// Outdated names the nodes whose desired state has to be made anew: something that concerns them has changed since, the
// node has confirmed one that left changes out, or was restored from a backup, or it is older than fresh, which tells a node that the centre is still
// there.
func (s *Store) Outdated(ctx context.Context, now time.Time, fresh time.Duration) (nodes []string, err error) {
	err = s.reading(ctx, func(w *work) error {
		nodes, err = w.outdated(ctx, stamp(now.Add(-fresh)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find outdated desired states: %w", err)
	}
	return nodes, nil
}

func (w *work) outdated(ctx context.Context, stale string) ([]string, error) {
	// What has happened to accounts is gathered once, not for each node: of a thousand nodes most have nothing to do with it.
	rows, err := w.rows(ctx, `WITH recent AS MATERIALIZED (
			SELECT a.region AS region, t.node AS node, MAX(t.n) AS n FROM account_touch t JOIN account_state a ON a.account = t.account
			WHERE t.n > (SELECT COALESCE(MIN(made_of), 0) FROM desired) GROUP BY a.region, t.node)
		SELECT n.node FROM node n LEFT JOIN desired d ON d.node = n.node
		WHERE d.node IS NULL OR d.made_of < (SELECT n FROM change_count WHERE one = 2) OR d.more = 1 AND n.cfg >= d.version OR d.issued <= ?1
			OR d.epoch NOT IN ('', n.epoch)
			OR EXISTS (SELECT 1 FROM recent r WHERE r.n > d.made_of AND r.node <> n.node AND r.region IN (0, n.region))
		ORDER BY n.node`, stale)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var node string
		if err := rows.Scan(&node); err != nil {
			return nil, err
		}
		out = append(out, node)
	}
	return out, rows.Err()
}

// Compose makes the desired state of a node anew, signs and keeps it. When nothing in it has changed and the one before is
// younger than fresh, only a note is made of that.
func (s *Store) Compose(ctx context.Context, node string, sign central.Signer, now time.Time, fresh time.Duration) error {
	err := s.within(ctx, now, func(w *work) error { return w.compose(ctx, node, sign, fresh) })
	if err != nil {
		return fmt.Errorf("compose the desired state of %s: %w", node, err)
	}
	return nil
}

// composed is a desired state before it gets its version.
type composed struct {
	parts  map[string]json.RawMessage
	upto   uint64
	more   bool
	digest string // of the content, without times
}

func (w *work) compose(ctx context.Context, node string, sign central.Signer, fresh time.Duration) error {
	if err := w.serialise(ctx); err != nil { // so that all that is below made_of can be seen
		return err
	}
	var madeOf, region, cfg, last int64
	var digest, issued string
	err := w.row(ctx, `SELECT c.n, n.region, n.cfg, COALESCE(d.version, 0), COALESCE(d.digest, ''), COALESCE(d.issued, '')
		FROM node n JOIN change_count c ON c.one = 1 LEFT JOIN desired d ON d.node = n.node WHERE n.node = ?1`, node).
		Scan(&madeOf, &region, &cfg, &last, &digest, &issued)
	if err != nil {
		return err
	}
	restored, err := w.restored(ctx, node)
	if err != nil {
		return err
	}
	if restored {
		digest = "" // also what has not changed is told again
	}
	c, err := w.parts(ctx, node, uint16(region), cfg, madeOf)
	if err != nil {
		return err
	}
	if c.digest == digest && issued > stamp(w.at.Add(-fresh)) {
		_, err := w.exec(ctx, "UPDATE desired SET made_of = ?1 WHERE node = ?2", madeOf, node)
		return err
	}
	// The version grows with the clock, so that a database restored from a backup does not use one twice.
	version := max(last+1, cfg+1, w.at.UnixMilli())
	payload, err := sign.Desired(contract.Desired{Node: node, Version: uint64(version), Issued: contract.At(w.at), Parts: c.parts})
	if err != nil {
		return err
	}
	return w.keepDesired(ctx, node, version, madeOf, c, payload)
}

func (w *work) keepDesired(ctx context.Context, node string, version, madeOf int64, c composed, payload []byte) error {
	_, err := w.exec(ctx, `INSERT INTO desired (node, version, issued, made_of, upto, more, digest, payload, published, published_at, holder, held_until, epoch)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, '', '', '', (SELECT epoch FROM node WHERE node = ?1))
		ON CONFLICT (node) DO UPDATE SET version = ?2, issued = ?3, made_of = ?4, upto = ?5, more = ?6, digest = ?7, payload = ?8,
			epoch = (SELECT epoch FROM node WHERE node = ?1)`,
		node, version, w.now, madeOf, int64(c.upto), int64(count(c.more)), c.digest, payload)
	if err != nil {
		return err
	}
	if _, err = w.exec(ctx, "INSERT INTO desired_upto (node, version, upto) VALUES (?1, ?2, ?3)", node, version, int64(c.upto)); err != nil {
		return err
	}
	_, err = w.exec(ctx, `DELETE FROM desired_upto WHERE node = ?1 AND version < (SELECT MAX(u.version) FROM desired_upto u JOIN node n ON n.node = u.node
		WHERE u.node = ?1 AND u.version <= n.cfg)`, node)
	return err
}

func (w *work) parts(ctx context.Context, node string, region uint16, cfg, madeOf int64) (composed, error) {
	c := composed{parts: map[string]json.RawMessage{}}
	add := func(name string, part any) error {
		raw, err := json.Marshal(part)
		c.parts[name] = raw
		return err
	}
	locks, err := w.locks(ctx, region)
	if err != nil {
		return c, err
	}
	accounts, err := w.accounts(ctx, node, region, cfg, madeOf)
	if err != nil {
		return c, err
	}
	c.upto, c.more = accounts.Upto, accounts.More
	prices, err := w.prices(ctx)
	if err != nil {
		return c, err
	}
	var settings string
	if err := w.row(ctx, "SELECT body FROM node_setting WHERE node = ?1", node).Scan(&settings); ignoreNoRows(err) != nil {
		return c, err
	}
	content, err := json.Marshal([]any{locks.Standing, locks.Lifted, accounts.Deltas, accounts.More, string(prices), settings})
	if err != nil {
		return c, err
	}
	sum := sha256.Sum256(content)
	c.digest = hex.EncodeToString(sum[:])
	if settings != "" {
		c.parts[contract.PartSettings] = json.RawMessage(settings)
	}
	if prices != nil {
		var p contract.Prices
		if err := json.Unmarshal(prices, &p); err != nil {
			return c, err
		}
		p.AsOf = contract.At(w.at) // still those
		if err := add(contract.PartPrices, p); err != nil {
			return c, err
		}
	}
	return c, errors.Join(add(contract.PartLocks, locks), add(contract.PartAccounts, accounts))
}

// accounts is what others did since the state that the node has confirmed.
func (w *work) accounts(ctx context.Context, node string, region uint16, cfg, madeOf int64) (contract.Accounts, error) {
	a := contract.Accounts{AsOf: contract.At(w.at), Upto: uint64(madeOf), Deltas: []contract.AccountDelta{}}
	var base sql.NullInt64
	if err := w.row(ctx, "SELECT MAX(upto) FROM desired_upto WHERE node = ?1 AND version <= ?2", node, cfg).Scan(&base); err != nil {
		return a, err
	}
	rows, err := w.rows(ctx, `SELECT t.account, MAX(t.n) FROM account_touch t JOIN account_state s ON s.account = t.account
		WHERE t.node <> ?1 AND t.n > ?2 AND s.region IN (0, ?3) GROUP BY t.account ORDER BY 2, 1 LIMIT ?4`,
		node, base.Int64, int64(region), int64(maxDeltas+1))
	if err != nil {
		return a, err
	}
	defer rows.Close()
	for rows.Next() {
		var d contract.AccountDelta
		var n int64
		if err := rows.Scan(&d.Account, &n); err != nil {
			return a, err
		}
		d.Version = uint64(n)
		a.Deltas = append(a.Deltas, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return a, err
	}
	if len(a.Deltas) > maxDeltas {
		a.Deltas, a.More = a.Deltas[:maxDeltas], true
		a.Upto = a.Deltas[maxDeltas-1].Version
	}
	return a, w.fill(ctx, node, &a)
}

// mostAccounts is how many bytes the deltas may have; a payload has 4 MiB, and locks and prices are in it, too.
const mostAccounts = 512 << 10

// fill makes the deltas of the accounts that are named, as many as there is room for.
func (w *work) fill(ctx context.Context, node string, a *contract.Accounts) error {
	size := 0
	for i, d := range a.Deltas {
		var err error
		if a.Deltas[i], err = w.delta(ctx, node, d.Account, d.Version); err != nil {
			return err
		}
		raw, err := json.Marshal(a.Deltas[i])
		if err != nil {
			return err
		}
		if size += len(raw); size > mostAccounts && i > 0 {
			a.Deltas, a.More, a.Upto = a.Deltas[:i], true, a.Deltas[i-1].Version
			return nil
		}
	}
	return nil
}

// maxHold is how long an instance may take to publish; it is bound to give up earlier.
const maxHold = time.Minute

// Publish hands the desired states that the broker may not have yet to send, each held against the other instances
// meanwhile: an older one must not be published after a newer. A state is published again after again has passed,
// since a broker may lose its memory.
func (s *Store) Publish(ctx context.Context, holder string, now time.Time, again time.Duration, send func(context.Context, central.Outgoing) error) error {
	rows, err := s.db.QueryContext(ctx, s.dialect.query(`SELECT node FROM desired
		WHERE (published < version OR published_at <= ?1) AND held_until <= ?2 ORDER BY published_at LIMIT ?3`), stamp(now.Add(-again)), stamp(now), maxDue)
	if err != nil {
		return fmt.Errorf("find desired states to publish: %w", err)
	}
	defer rows.Close()
	var nodes []string
	for rows.Next() {
		var node string
		if err := rows.Scan(&node); err != nil {
			return fmt.Errorf("find desired states to publish: %w", err)
		}
		nodes = append(nodes, node)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("find desired states to publish: %w", err)
	}
	for _, node := range nodes {
		if err := s.publish(ctx, holder, node, now, send); err != nil {
			return fmt.Errorf("publish the desired state of %s: %w", node, err)
		}
	}
	return nil
}

func (s *Store) publish(ctx context.Context, holder, node string, now time.Time, send func(context.Context, central.Outgoing) error) error {
	exec := func(query string, args ...any) (int64, error) {
		res, err := s.db.ExecContext(ctx, s.dialect.query(query), args...)
		if err != nil {
			return 0, err
		}
		return res.RowsAffected()
	}
	n, err := exec("UPDATE desired SET holder = ?1, held_until = ?2 WHERE node = ?3 AND held_until <= ?4", holder, stamp(now.Add(maxHold)), node, stamp(now))
	if err != nil || n == 0 {
		return err
	}
	out := central.Outgoing{Topic: contract.Topic{Node: node, Kind: contract.KindCfg}}
	var version int64
	if err := s.db.QueryRowContext(ctx, s.dialect.query("SELECT version, payload FROM desired WHERE node = ?1"), node).Scan(&version, &out.Payload); err != nil {
		return err
	}
	out.Version = uint64(version)
	short, cancel := context.WithTimeout(ctx, maxHold/2)
	defer cancel()
	sent := send(short, out)
	if sent != nil {
		version = 0 // still to be done
	}
	_, err = exec(`UPDATE desired SET held_until = '', published = CASE WHEN published < ?1 THEN ?1 ELSE published END,
		published_at = CASE WHEN ?1 > 0 THEN ?2 ELSE published_at END WHERE node = ?3 AND holder = ?4`, version, stamp(now), node, holder)
	return errors.Join(sent, err)
}
