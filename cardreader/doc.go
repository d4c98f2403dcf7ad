// Package cardreader is the contract between whoever uses an IC card and whoever drives a reader.
//
// A [Source] reports cards coming and going at readers and opens them. A [Card] exchanges APDUs (ISO 7816-3/-4)
// with one inserted card. Adapters (pcsc for real readers, cardsim for simulated ones) implement both and pass the
// suite in cardtest; chip drivers (sle4442, …) stand on Card and know no reader.
//
// The rule that shapes everything above: an exchange that went wrong proves nothing. After any transport error the
// card may or may not have carried out the command, so the error matches [ErrOutcomeUnknown] unless the adapter knows
// that nothing was sent ([ErrNotSent]). Nobody concludes "the write failed" from it; the card is read again.
package cardreader
