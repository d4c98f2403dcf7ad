// Package control is the local door of a running tallyd: HTTP over a unix socket in the data folder, for the
// technician's command on the same machine.
//
// Who may use it is decided by the permission of the socket file (0600, the daemon's own user and root); there is no
// login. It shows no personal data beyond a masked name and changes nothing on cards or in the ledger. Paths are
// versioned (/v1/…), answers are JSON, errors are {code, message, hint}.
package control
