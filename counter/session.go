package counter

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"
)

const tokenLen = 32 // bytes of chance in a token

type tokenHash [sha256.Size]byte

func hashToken(token string) tokenHash { return sha256.Sum256([]byte(token)) }

// enter opens a session and forgets the failures of its name.
func (d *doors) enter(op Operator) (Session, error) {
	chance := make([]byte, tokenLen)
	if _, err := io.ReadFull(d.o.Random, chance); err != nil {
		return Session{}, refuse(CodeInternal, fmt.Errorf("make a session token: %w", err))
	}
	now := d.o.Now()
	s := Session{
		Operator: op.Name, Display: op.Display, Role: op.Role, Since: now,
		Expires: now.Add(min(d.o.SessionIdle, d.o.SessionLimit)),
	}
	token := base64.RawURLEncoding.EncodeToString(chance)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failures, op.Name)
	d.sweep(now)
	d.sessions[hashToken(token)] = &s
	out := s
	out.Token = token
	return out, nil
}

// sweep drops what has expired.
func (d *doors) sweep(now time.Time) {
	for h, s := range d.sessions {
		if !now.Before(s.Expires) {
			delete(d.sessions, h)
		}
	}
}

// Session finds the session of a token and prolongs it, never past the limit that began with the login.
func (s *Service) Session(token string) (Session, error) { return s.doors.session(token, true) }

func (d *doors) session(token string, prolong bool) (Session, error) {
	now := d.o.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	h := hashToken(token)
	live, ok := d.sessions[h]
	if !ok || !now.Before(live.Expires) {
		delete(d.sessions, h)
		return Session{}, refuse(CodeNoSession, nil)
	}
	if prolong {
		live.Expires = now.Add(d.o.SessionIdle)
		if end := live.Since.Add(d.o.SessionLimit); live.Expires.After(end) {
			live.Expires = end
		}
	}
	out := *live
	out.Token = token
	return out, nil
}

// Logout ends a session. An unknown token is no error.
func (s *Service) Logout(token string) {
	s.doors.mu.Lock()
	defer s.doors.mu.Unlock()
	delete(s.doors.sessions, hashToken(token))
}

// allow finds the live session behind s and refuses when its role is none of roles. Nothing that the caller says about
// name or role is believed.
func (s *Service) allow(sess Session, roles ...Role) (Session, error) {
	live, err := s.doors.session(sess.Token, false)
	if err != nil {
		return Session{}, err
	}
	if !slices.Contains(roles, live.Role) {
		return Session{}, refuse(CodeForbidden, nil, "role", string(live.Role))
	}
	return live, nil
}

// still checks in a transaction that the operator of a session may act even now: not removed, not disabled, same role.
func still(tx Tx, sess Session) (Operator, error) {
	op, err := tx.Operator(sess.Operator)
	if err != nil {
		return op, refuse(CodeForbidden, err)
	}
	if op.Disabled || op.Role != sess.Role {
		return op, refuse(CodeForbidden, nil, "role", string(op.Role))
	}
	return op, nil
}
