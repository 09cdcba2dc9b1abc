package cluster

// Missing is what a gateway must have before it may serve, and has not yet. Nothing of it goes again: a process whose Lease
// another one takes ends, and what is known is served on by while the API server does not answer.
func (g *Gateway) Missing() (missing []string) {
	for _, need := range []struct {
		name string
		have <-chan struct{}
	}{
		{"the Lease", g.held},
		{"the list of SessionTemplates", g.known},
		{"the list of Sessions", g.synced},
	} {
		select {
		case <-need.have:
		default:
			missing = append(missing, need.name)
		}
	}
	return missing
}
