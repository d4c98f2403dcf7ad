package sqlstore

// Trace calls f with every statement of a transaction, as the database gets it.
func (s *Store) Trace(f func(query string)) { s.trace = f }
