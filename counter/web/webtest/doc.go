// Package webtest drives the clerk's page in a real browser, headless Chromium, for the tests of the page itself and
// of the whole daemon. It is the only importer of github.com/chromedp/chromedp and its protocol.
package webtest
