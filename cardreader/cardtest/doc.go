// Package cardtest is the suite that every cardreader.Source must pass, simulated or real, and what tests of cards need
// besides: [Watch] to wait for events, [StartPCSCD] for a real PC/SC service with virtual readers.
package cardtest
