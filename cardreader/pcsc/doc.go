// Package pcsc is the cardreader.Source over PC/SC: pcsc-lite on Linux, the smart-card service on Windows.
//
// It is written against what the service does on a bad day. A card pulled during an exchange can come back as success
// with no bytes; a silent card blocks a call for ever and cannot be cancelled; the service stops and starts again. So
// every connection has its own thread and context, every call a watchdog, and a call that hangs is left behind with its
// thread while the connection is declared dead. The watcher sits on a context of its own and tells quick swaps by the
// counter that the service keeps for each reader.
//
// Without cgo on Linux, or with the build tag nopcsc, the package is a stub whose Source says so (cardreader.CodeNoPCSC).
package pcsc
