package cluster

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// sight takes the feed of Sessions into the directory. It keeps no Session.
type sight struct {
	to     *directory.Directory
	rules  func(*v1alpha1.Session) Rules
	hurry  func() // a sleep waits for the Lease to say what was seen
	synced func() // a list is complete

	listed map[directory.ID]struct{} // by the list that is coming in
	waits  bool                      // one that was put since the last version seen waits for the Lease
}

func (s *sight) begin() { s.listed = map[directory.ID]struct{}{} }

func (s *sight) put(o client.Object, version uint64, listed bool) {
	session := o.(*v1alpha1.Session)
	id := idOf(session)
	view := viewOf(session, version, s.rules(session))
	view.Listed = listed
	if listed {
		s.listed[id] = struct{}{}
	}
	// Stopping is decided: no sleep waits for us to have seen it.
	if s.to.Apply(id, view) && session.Status.Phase != v1alpha1.PhaseStopping {
		s.waits = true
	}
}

func (s *sight) remove(o client.Object, version uint64) {
	s.to.Apply(idOf(o), directory.View{Version: version})
}

func (s *sight) end(version uint64) {
	for _, id := range s.to.IDs() {
		if _, ok := s.listed[id]; !ok {
			s.to.Apply(id, directory.View{Version: version})
		}
	}
	s.listed = nil
	s.waits = true
	s.synced()
}

func (s *sight) seen(version uint64) {
	s.to.Advance(version)
	if s.waits {
		s.waits = false
		s.hurry()
	}
}
