package directory

// Telling is whether a touch of a session is under way, or one is due that says what its workload said and cannot wait: until it is in, what
// was said is known to this gateway alone.
func (d *Directory) Telling(id ID) bool {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	return e != nil && (e.asked || e.word.urgent && e.mustSpeak(d.Now()))
}
