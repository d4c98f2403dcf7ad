package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"tally/counter"
)

// Codes of this package, besides those of package counter.
const (
	codeBadRequest     = "bad_request"      // not the JSON that the address wants
	codeTooLarge       = "too_large"        // body over the limit
	codeCrossOrigin    = "cross_origin"     // another site made the browser send it
	codeWrongHost      = "wrong_host"       // asked under a name that is not ours
	codeTooManyStreams = "too_many_streams" // this operator has too many windows open
	codeApprover       = "approver"         // the second person's name or password is wrong; never says which
	codeApproverRole   = "approver_role"    // the second person is no leader
)

// Failure is the body of every answer that is not a success.
type Failure struct {
	Code    string            `json:"code"`           // stable
	Message string            `json:"message"`        // what happened, in the language of the request
	Hint    string            `json:"hint"`           // what to do, may be empty
	Args    map[string]string `json:"args,omitempty"` // figures in the message
}

// statusOf gives the HTTP status of a code; a refusal that a clerk can act on is 409.
func statusOf(code string) int {
	switch code {
	case codeBadRequest:
		return http.StatusBadRequest
	case codeTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeWrongHost:
		return http.StatusMisdirectedRequest
	case counter.CodeNoSession, counter.CodeLogin:
		return http.StatusUnauthorized
	case codeCrossOrigin, counter.CodeForbidden, codeApprover, codeApproverRole:
		return http.StatusForbidden
	case counter.CodeNotFound:
		return http.StatusNotFound
	case counter.CodeLoginPaused:
		return http.StatusTooManyRequests
	case counter.CodeBadAmount, counter.CodeTooLittle, counter.CodeReasonNeeded:
		return http.StatusUnprocessableEntity
	case counter.CodeStore, counter.CodeNoRoom, codeTooManyStreams:
		return http.StatusServiceUnavailable
	case counter.CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusConflict
}

// fail is where an error leaves the house: users get code, message and hint, the log gets the cause.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, v voice, err error) {
	ref := asRefusal(err)
	status := statusOf(ref.Code)
	if status >= http.StatusInternalServerError || ref.Cause != nil {
		h.log.Warn("request refused", "method", r.Method, "route", r.Pattern, "code", ref.Code, "cause", ref.Cause)
	}
	switch {
	case wantsPage(r) && ref.Code == counter.CodeNoSession:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
	case wantsHTML(r):
		h.html(w, status, v, "problem", v.failure(ref))
	default:
		writeJSON(w, status, v.failure(ref))
	}
}

// asRefusal gives every error a code: those of reading the request are the sender's.
func asRefusal(err error) *counter.Refusal {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &counter.Refusal{Code: codeTooLarge}
	}
	return counter.AsRefusal(err)
}

// wantsHTML: asked by the page's script or a browser rather than by a program.
func wantsHTML(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Accept"), "text/html") }

// wantsPage: a browser that navigates, as opposed to the script that asks for a piece of a page.
func wantsPage(r *http.Request) bool {
	return wantsHTML(r) && !strings.HasPrefix(r.URL.Path, "/api/")
}

// read decodes a body strictly: the right type, known fields only, one value.
func read[T any](c *call) (T, error) {
	var v T
	bad := func(err error) (T, error) {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return v, err
		}
		return v, &counter.Refusal{Code: codeBadRequest, Cause: err}
	}
	if t, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return bad(errors.New("content type is not application/json"))
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return bad(err)
	}
	c.matter.note(body)
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return bad(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(errors.New("more than one value in the body"))
	}
	return v, nil
}

// readSecret decodes a body that carries a password: what is wrong with it is told without quoting it.
func readSecret[T any](c *call) (T, error) {
	v, err := read[T](c)
	if err != nil && asRefusal(err).Code == codeBadRequest {
		err = &counter.Refusal{Code: codeBadRequest}
	}
	return v, err
}

// give answers with v: as JSON, or as the named piece of a page when that was asked for.
func (c *call) give(v any, piece string) error {
	if piece != "" && wantsHTML(c.r) {
		c.h.html(c.w, http.StatusOK, c.voice(v), piece, v)
		return nil
	}
	writeJSON(c.w, http.StatusOK, v)
	return nil
}

func (c *call) nothing() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) //nolint // the client is gone, nobody to tell
}
