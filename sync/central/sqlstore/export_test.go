package sqlstore

// Trace calls f with every statement of a transaction, as the database gets it.
func (s *Store) Trace(f func(query string)) { s.trace = f }

// ReportLayout is the step of the layout that counts the readings of before.
const ReportLayout = reportLayout
