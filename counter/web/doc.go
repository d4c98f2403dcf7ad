// Package web is the clerk's page and the API under it: html/template, embedded, live by server-sent events. Its
// handlers decide nothing; they call the counter service and show what it says.
package web
