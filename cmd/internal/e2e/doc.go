// Package e2e holds no code, only the tests that run the programs as a user does: built, configured by files, over a real
// pcscd and a real mosquitto, and stopped by signals.
package e2e
