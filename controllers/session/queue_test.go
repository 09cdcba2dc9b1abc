package session

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// 002-20: for a new leader, a session that somebody waits for, or that has a pod, is no less urgent than what happens meanwhile.
func TestNewcomersTakeTheirTurn(t *testing.T) {
	wanted := func(s *v1alpha1.Session) { s.Status.Activity = &v1alpha1.Activity{Time: metav1.NowMicro()} }
	for name, c := range map[string]struct {
		object client.Object
		change func(*v1alpha1.Session)
		last   bool // it comes after what happens
	}{
		"nobody has wanted it": {last: true},
		"asleep":               {change: func(s *v1alpha1.Session) { wanted(s); s.Status.Drain = &v1alpha1.Drain{Activity: s.Status.Activity} }, last: true},
		"wanted":               {change: wanted},
		"awake":                {change: func(s *v1alpha1.Session) { s.Status.Endpoint = &v1alpha1.Endpoint{} }},
		"draining": {change: func(s *v1alpha1.Session) {
			wanted(s)
			s.Status.Drain, s.Status.Pod = &v1alpha1.Drain{Activity: s.Status.Activity}, &v1alpha1.PodReference{}
		}},
		"deleted":   {change: func(s *v1alpha1.Session) { s.DeletionTimestamp = &metav1.Time{Time: time.Now()} }},
		"has a pod": {object: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "newcomer"}}},
	} {
		t.Run(name, func(t *testing.T) {
			q := priorityqueue.New[reconcile.Request]("test")
			defer q.ShutDown()
			o := c.object
			if o == nil {
				s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Name: "newcomer"}}
				if c.change != nil {
					c.change(s)
				}
				o = s
			}
			created := event.CreateEvent{Object: o, IsInInitialList: true}
			(&handler.EnqueueRequestForObject{}).Create(t.Context(), created, q)
			newcomers().Create(t.Context(), created, q)
			q.Add(reconcile.Request{NamespacedName: client.ObjectKey{Name: "what happens"}})
			first, _ := q.Get()
			if last := first.Name != "newcomer"; last != c.last {
				t.Errorf("%q comes first", first.Name)
			}
		})
	}
}
