package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tally/sync/central"
	"tally/sync/contract"
)

// ErrNotFound says that there is no such command.
var ErrNotFound = errors.New("not found")

// Issue signs a command for a node and keeps it; a running centre sends it from now on until its result is here or it
// has expired. Its counter grows with the clock, so that a database restored from a backup does not use one twice.
func (s *Store) Issue(ctx context.Context, o central.Order, sign central.Signer, now time.Time) (contract.Command, error) {
	if err := contract.CheckArgs(o.Type, o.Args); err != nil {
		return contract.Command{}, err
	}
	var c contract.Command
	err := s.within(ctx, now, func(w *work) (err error) {
		c, err = w.issue(ctx, o, sign)
		return err
	})
	if err != nil {
		return contract.Command{}, fmt.Errorf("issue command: %w", err)
	}
	return c, nil
}

func (w *work) issue(ctx context.Context, o central.Order, sign central.Signer) (contract.Command, error) {
	var last sql.NullInt64
	if err := w.serialise(ctx); err != nil {
		return contract.Command{}, err
	}
	if err := w.row(ctx, "SELECT MAX(counter) FROM command WHERE node = ?1", o.Node).Scan(&last); err != nil {
		return contract.Command{}, err
	}
	c := contract.Command{
		ID: "c-" + rand.Text(), Node: o.Node, Counter: uint64(max(last.Int64+1, w.at.UnixMilli())),
		Issued: contract.At(w.at), Expires: contract.At(w.at.Add(o.Life)), Type: o.Type, Args: o.Args,
	}
	payload, err := sign.Command(c)
	if err != nil {
		return c, err
	}
	_, err = w.exec(ctx, `INSERT INTO command (id, node, counter, type, args, issued, expires, issuer, payload, sent, sent_at, outcome, text, result, finished)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, '', '', '', '', '')`, c.ID, c.Node, int64(c.Counter), c.Type, string(c.Args),
		stamp(c.Issued.Time), stamp(c.Expires.Time), printable(o.Issuer), payload)
	return c, err
}

// serialise keeps other transactions that call it waiting until this one ends.
func (w *work) serialise(ctx context.Context) error {
	_, err := w.exec(ctx, "UPDATE change_count SET n = n WHERE one = 1")
	return err
}

// maxDue bounds what is sent at once.
const maxDue = 100

// Due returns the commands that are to be sent now: open, in time, and not sent for as long as again. They count as sent
// from now on, so that of several instances one sends each.
func (s *Store) Due(ctx context.Context, now time.Time, again time.Duration) ([]central.Outgoing, error) {
	before := stamp(now.Add(-again))
	rows, err := s.db.QueryContext(ctx, s.dialect.query(`SELECT id, node, payload, sent_at FROM command
		WHERE finished = '' AND expires > ?1 AND sent_at <= ?2 ORDER BY sent_at, counter LIMIT ?3`), stamp(now), before, maxDue)
	if err != nil {
		return nil, fmt.Errorf("find commands to send: %w", err)
	}
	defer rows.Close()
	type due struct {
		id, sent string
		out      central.Outgoing
	}
	var found []due
	for rows.Next() {
		d := due{out: central.Outgoing{Topic: contract.Topic{Kind: contract.KindCmd}}}
		if err := rows.Scan(&d.id, &d.out.Topic.Node, &d.out.Payload, &d.sent); err != nil {
			return nil, fmt.Errorf("find commands to send: %w", err)
		}
		found = append(found, d)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("find commands to send: %w", err)
	}
	var out []central.Outgoing
	for _, d := range found {
		res, err := s.db.ExecContext(ctx, s.dialect.query(`UPDATE command SET sent = sent + 1, sent_at = ?1 WHERE id = ?2 AND sent_at = ?3`),
			stamp(now), d.id, d.sent)
		if err != nil {
			return out, fmt.Errorf("claim command: %w", err)
		}
		if n, err := res.RowsAffected(); err == nil && n == 1 {
			out = append(out, d.out)
		}
	}
	return out, nil
}

// answered notes the result of a command, once.
func (w *work) answered(ctx context.Context, k key, f *contract.CommandResult) error {
	fresh, err := w.exec(ctx, `UPDATE command SET outcome = ?1, text = ?2, result = ?3, finished = ?4
		WHERE id = ?5 AND node = ?6 AND counter = ?7 AND finished = ''`, printable(f.Outcome), printable(f.Text), printable(string(f.Result)), w.now,
		printable(f.Command), k.node, int64(min(f.Counter, contract.MaxSeq)))
	if err != nil || !fresh || f.Type != contract.CommandResend {
		return err
	}
	return w.resent(ctx, f)
}

const commandColumns = `id, node, counter, type, args, issued, expires, issuer, sent, sent_at, outcome, text, result, finished`

// Command returns one command; an error that matches ErrNotFound when there is none of this id.
func (s *Store) Command(ctx context.Context, id string) (central.CommandState, error) {
	found, err := s.commands(ctx, "WHERE id = ?1", id)
	if err != nil {
		return central.CommandState{}, err
	}
	if len(found) == 0 {
		return central.CommandState{}, fmt.Errorf("command %.70q: %w", id, ErrNotFound)
	}
	return found[0], nil
}

// Commands lists commands, newest first; those of one node when it is named.
func (s *Store) Commands(ctx context.Context, node string, most int) ([]central.CommandState, error) {
	if node == "" {
		return s.commands(ctx, "ORDER BY issued DESC, id LIMIT ?1", most)
	}
	return s.commands(ctx, "WHERE node = ?1 ORDER BY counter DESC LIMIT ?2", node, most)
}

func (s *Store) commands(ctx context.Context, where string, args ...any) ([]central.CommandState, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.query("SELECT "+commandColumns+" FROM command "+where), args...)
	if err != nil {
		return nil, fmt.Errorf("list commands: %w", err)
	}
	defer rows.Close()
	var out []central.CommandState
	for rows.Next() {
		c, err := scanCommand(rows)
		if err != nil {
			return nil, fmt.Errorf("list commands: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func scanCommand(row scanner) (central.CommandState, error) {
	var c central.CommandState
	var counter int64
	var args, issued, expires, sentAt, result, finished string
	err := row.Scan(&c.ID, &c.Node, &counter, &c.Type, &args, &issued, &expires, &c.Issuer, &c.Sent, &sentAt, &c.Outcome, &c.Text, &result, &finished)
	c.Counter, c.Args, c.Issued, c.Expires = uint64(counter), json.RawMessage(args), moment(issued), moment(expires)
	c.SentAt, c.Finished = maybe(sentAt), maybe(finished)
	if json.Valid([]byte(result)) {
		c.Result = json.RawMessage(result)
	}
	return c, err
}
