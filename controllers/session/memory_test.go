package session

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// SESSION_FENCE counts in seconds of the Session's creation: one that was deleted in the second that it was made in is held for a
// second, or the first pod of one made again at once would have the fence that its own had.
func TestFenceIsNotGivenAgain(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := made.Add(400 * time.Millisecond)
	for name, c := range map[string]struct {
		deleted time.Time
		want    time.Time
	}{
		"not deleted":                    {},
		"deleted in the same second":     {made, seen.Add(time.Second)},
		"deleted in the next second":     {made.Add(time.Second), time.Time{}},
		"deleted an hour after its make": {made.Add(time.Hour), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{UID: "a", CreationTimestamp: metav1.NewTime(made)}}
			if !c.deleted.IsZero() {
				s.DeletionTimestamp = &metav1.Time{Time: c.deleted}
			}
			m := &memory{}
			for _, now := range []time.Time{seen, seen.Add(time.Minute)} { // it does not move
				m.update(&world{session: s, now: now})
				if got := m.letGoAt(); !got.Equal(c.want) {
					t.Errorf("let go at %v, want %v", got, c.want)
				}
			}
		})
	}
}
