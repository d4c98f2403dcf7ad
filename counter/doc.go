// Package counter is what happens at the counter of a service hall (营业厅): who the customer is, what a sale costs, why
// it is refused, and how money and card are kept in agreement whatever happens at the reader.
//
// Everything goes through one [Service]; the clerk's page, the API and the technician's command share it. It stands on
// contracts only: a [Store] for the ledger, an [Opener] for cards, a price table.
//
// A sale commits its intent (money, bytes before, bytes after) before the first card byte, and its result only after
// the card was read back. Whatever is unclear in between is in doubt and is resolved by reading the card again.
package counter
