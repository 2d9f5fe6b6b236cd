package logs

// Exists says whether a group exists now, in memory. A group that was just appended
// to may not yet.
func (s *Service) Exists(k Key) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index.groups[k] != nil
}
