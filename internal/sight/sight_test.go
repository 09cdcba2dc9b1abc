package sight

import (
	"context"
	"errors"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// leases is an API server that has Leases and says nothing of pods.
type leases struct {
	client.Reader
	all    []coordinationv1.Lease
	onList func()
}

func (l *leases) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*coordinationv1.LeaseList).Items = l.all
	if l.onList != nil {
		l.onList()
	}
	return nil
}

func (*leases) Get(_ context.Context, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	if _, ok := o.(*corev1.Pod); !ok {
		return nil
	}
	return errors.New("the API server is down")
}

var table = types.NamespacedName{Namespace: "games", Name: "chess.a"}

func newSight(l *leases) (*Sight, *time.Time) {
	for i := range l.all {
		l.all[i].Name = "gateway"
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return &Sight{Reader: l, Now: func() time.Time { return now }, Seen: func(types.NamespacedName) {}}, &now
}

func look(t *testing.T, s *Sight) {
	t.Helper()
	if err := s.look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A gateway may have made its Lease after the list was read and before the unpublish.
func TestAListAnswersWhatWasAskedBeforeIt(t *testing.T) {
	l := &leases{}
	s, _ := newSight(l)
	s.Passed("before", table, "100")
	l.onList = func() { s.Passed("meanwhile", table, "101") }
	look(t, s)
	if !s.Passed("before", table, "100") || s.Passed("meanwhile", table, "101") {
		t.Error("want yes to what was asked before the list, and to nothing that was asked while it was read")
	}
}

// What every gateway had seen of one drain says nothing of the next (000-11).
func TestEachDrainIsAskedAbout(t *testing.T) {
	l := &leases{all: []coordinationv1.Lease{*lease("100", "", time.Now())}}
	s, _ := newSight(l)
	s.Passed("a", table, "100")
	look(t, s)
	if !s.Passed("a", table, "100") {
		t.Fatal("not answered")
	}
	if s.Passed("a", table, "105") {
		t.Error("the answer of one drain is given for the next")
	}
	look(t, s)
	if s.Passed("a", table, "105") {
		t.Error("a gateway was passed over")
	}
}

// A gateway that nobody can be asked about may run (000-33).
func TestNoAnswerIsNoProof(t *testing.T) {
	late := lease("99", "", time.Now())
	late.Annotations[v1alpha1.AnnotationPodUID] = "u"
	s, now := newSight(&leases{all: []coordinationv1.Lease{*late}})
	s.Passed("a", table, "100")
	*now = now.Add(time.Hour)
	look(t, s)
	if s.Passed("a", table, "100") {
		t.Error("a gateway counts as gone because the API server did not answer")
	}
}
