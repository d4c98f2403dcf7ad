// Package web is the clerk's page and the API under it: html/template, embedded, live by server-sent events. Its
// handlers decide nothing; they call the counter service and show what it says.
//
// One table (routes) lists every address with who may use it, and one guard enforces the table. The page is a client
// of its own API: the same address answers JSON, or a piece of HTML in the operator's language when asked with
// "Accept: text/html". The browser's script therefore holds no sentence, no price and no rule.
package web
