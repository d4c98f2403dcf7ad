package counter

// Notify tells everybody who subscribed that something shown beside the counter has changed: a meter, the uplink.
func (s *Service) Notify() { s.watch.changed() }
