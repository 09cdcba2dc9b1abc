package template

import "github.com/dormouse-dev/dormouse/api/v1alpha1"

func countPhases(sessions []v1alpha1.Session) v1alpha1.SessionCounts {
	var counts v1alpha1.SessionCounts
	for i := range sessions {
		add(&counts, sessions[i].Status.Phase)
	}
	return counts
}

func add(counts *v1alpha1.SessionCounts, phase v1alpha1.SessionPhase) {
	counts.Total++
	switch phase {
	case v1alpha1.PhaseAwake, v1alpha1.PhaseHibernated, v1alpha1.PhaseDraining:
		counts.Awake++
	case v1alpha1.PhaseQueued, v1alpha1.PhaseWaking:
		counts.Waking++
	case v1alpha1.PhaseFailed:
		counts.Failed++
	case v1alpha1.PhaseAsleep, v1alpha1.PhaseStopping:
	}
}

// countsAlike says that a session in either phase is counted in the same places.
func countsAlike(a, b v1alpha1.SessionPhase) bool {
	var x, y v1alpha1.SessionCounts
	add(&x, a)
	add(&y, b)
	return x == y
}
