// Package archtest holds no code, only the tests that keep the structure of tally: which room may import which, who is
// the one importer of each library, and the habits that no compiler checks.
package archtest
