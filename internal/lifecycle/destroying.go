package lifecycle

// destroy runs the last sessions of one that is deleted, and deletes them when all have completed; then the session may go. Those that
// have completed are reported before they are deleted: none of them runs again.
func destroy(o *Observation) (Step, bool) {
	if !o.destroys() {
		return Step{}, false
	}
	starts := o.Session.Starts
	step := Step{Verb: Wait, Phase: Stopping, Reason: o.destroying()}
	switch {
	case starts.News:
		step.Verb = Follow
	case starts.Due:
		step.Verb = Start
	case starts.Done:
		step.Verb = Clear
	}
	return step, true
}

// destroys says whether last sessions stand between a deleted session and its end. One that never ran has nothing to destroy, and in a
// namespace that goes none can be made.
func (o *Observation) destroys() bool {
	s := &o.Session
	ran := s.Deleting && s.Protected && o.Pod == nil && s.Epoch > 0
	return ran && s.Starts.Any && !s.Starts.Barred && !s.Starts.cleared()
}

// cleared says whether all have completed, are reported so, and are gone.
func (s Starts) cleared() bool { return s.Done && !s.News && !s.Left }

// destroying says how far the last sessions are.
func (o *Observation) destroying() Reason {
	switch starts := o.Session.Starts; {
	case starts.Taken:
		return ReasonSessionNameTaken
	case starts.Failed:
		return ReasonStartedFailed
	case starts.Due && o.Refused == ReasonSessionRejected:
		return ReasonSessionRejected
	}
	return ReasonDestroying
}
