package web

import (
	"net/http"

	"tally/counter"
)

const (
	sessionCookie = "tally_session"
	langCookie    = "tally_lang"
	year          = 365 * 24 * 60 * 60 // s
)

// sessionOf finds the live session of a request and prolongs it; a refusal of code no_session otherwise.
func (h *Handler) sessionOf(r *http.Request) (counter.Session, error) {
	ck, err := r.Cookie(sessionCookie)
	if err != nil || ck.Value == "" {
		return counter.Session{}, &counter.Refusal{Code: counter.CodeNoSession}
	}
	s, err := h.o.Logins.Session(ck.Value)
	if err != nil {
		h.streams.end(ck.Value)
		return counter.Session{}, err
	}
	s.Token = ck.Value
	h.streams.prolong(ck.Value, s.Expires)
	return s, nil
}

// enter logs in and hands out the cookie. A session that the browser still had is ended: a login never continues one.
func (c *call) enter(name, password string) (counter.Session, error) {
	s, err := c.h.o.Logins.Login(c.r.Context(), name, password)
	if err != nil {
		return counter.Session{}, err
	}
	if ck, err := c.r.Cookie(sessionCookie); err == nil && ck.Value != s.Token {
		c.leave(ck.Value)
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: sessionCookie, Value: s.Token, Path: "/",
		HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	return s, nil
}

func (c *call) leave(token string) {
	c.h.o.Logins.Logout(token)
	c.h.streams.end(token)
}

func (c *call) dropCookie() {
	http.SetCookie(c.w, &http.Cookie{
		Name: sessionCookie, Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

// loginView is what the login page shows.
type loginView struct {
	frame
	Name    string
	Problem *Failure
	Demo    *DemoLogin
}

func (h *Handler) loginPage(c *call) error {
	if _, err := h.sessionOf(c.r); err == nil {
		http.Redirect(c.w, c.r, "/", http.StatusSeeOther)
		return nil
	}
	view := loginView{frame: c.frame(), Demo: h.o.Demo}
	if ck, err := c.r.Cookie(sessionCookie); err == nil && ck.Value != "" { // it had a session that has ended: say so, once
		f := c.station().failure(&counter.Refusal{Code: counter.CodeNoSession})
		view.Problem = &f
		c.dropCookie()
	}
	h.html(c.w, http.StatusOK, c.station(), "login", view)
	return nil
}

func (h *Handler) loginForm(c *call) error {
	if err := parseForm(c); err != nil {
		return err
	}
	name := c.r.PostFormValue("name")
	_, err := c.enter(name, c.r.PostFormValue("password"))
	if err == nil {
		http.Redirect(c.w, c.r, "/", http.StatusSeeOther)
		return nil
	}
	ref := asRefusal(err)
	if ref.Cause != nil {
		h.log.Warn("login refused", "code", ref.Code, "cause", ref.Cause)
	}
	f := c.station().failure(ref)
	h.html(c.w, statusOf(ref.Code), c.station(), "login", loginView{c.frame(), name, &f, h.o.Demo})
	return nil
}

func (h *Handler) logoutForm(c *call) error {
	c.leave(c.session.Token)
	c.dropCookie()
	http.Redirect(c.w, c.r, "/login", http.StatusSeeOther)
	return nil
}

// langForm remembers the language for a year. It goes back to the start, never to an address from the request.
func (h *Handler) langForm(c *call) error {
	if err := parseForm(c); err != nil {
		return err
	}
	l := lang(c.r.PostFormValue("lang"))
	if l != zh && l != en {
		return &counter.Refusal{Code: codeBadRequest}
	}
	http.SetCookie(c.w, &http.Cookie{
		Name: langCookie, Value: string(l), Path: "/", MaxAge: year,
		HttpOnly: true, Secure: c.r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	http.Redirect(c.w, c.r, "/", http.StatusSeeOther)
	return nil
}

// parseForm reads a posted form; its size is limited by the guard.
func parseForm(c *call) error {
	if err := c.r.ParseForm(); err != nil {
		if ref := asRefusal(err); ref.Code == codeTooLarge {
			return ref
		}
		return &counter.Refusal{Code: codeBadRequest} // the cause quotes the form, and with it the password
	}
	return nil
}

type credentials struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

func (h *Handler) getSession(c *call) error { return c.give(c.session, "") }

func (h *Handler) postSession(c *call) error {
	in, err := readSecret[credentials](c)
	if err != nil {
		return err
	}
	s, err := c.enter(in.Name, in.Password)
	if err != nil {
		return err
	}
	return c.give(s, "")
}

func (h *Handler) deleteSession(c *call) error {
	c.leave(c.session.Token)
	c.dropCookie()
	return c.nothing()
}
