//go:build linux

package swarm

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	sleepers, wakers = 1000, 200
	busyTemplate     = "busy" // of sessions that stay awake
)

// 000-24, 000-52: what a key costs that sleeps, and one that is awake: bytes in etcd and on the heaps of operator and gateways.
// docs/patterns.md has the figures.
func TestCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of sessions take half a minute: not with -short")
	}
	klog.SetLogger(logr.Discard()) // of the client of this test
	log.SetLogger(logr.Discard())
	r := stage(t, func(r *run) {
		r.create(newTemplate("red", savedTemplate))
		busy := newTemplate("red", busyTemplate)
		busy.Spec.Idle.After = &metav1.Duration{Duration: time.Hour}
		r.create(busy)
	})
	model := r.slept("model")
	before := r.look()
	r.copies(model, sleepers)
	asleep := r.look()
	r.all(wakers, func(i int) { r.visit(r.gateways[i%2], busyTemplate, fmt.Sprintf("waker-%05d", i)) })
	r.wait(time.Minute, "the gateways keep no connection to a pod", func() bool { return r.calm(asleep) })
	awake := r.look()
	small, large, pod := r.bytesOf(sessions+model.Name, asJSON), r.bytesOf(sessions+busyTemplate+".waker-00001", asJSON), r.bytesOf(pods+busyTemplate+".waker-00001", asProtobuf)
	t.Logf("bytes of JSON, as etcd keeps it, of a sleeping Session: %d; of one that is awake: %d; of its pod, in etcd's encoding: %d", small, large, pod)
	if small > 2000 || large > 2000 || pod > 6000 {
		r.fault("an object has become twice as large")
	}
	t.Logf("bytes of heap of each:\n%s%s", perKey("asleep", before, asleep, sleepers), perKey("awake", asleep, awake, wakers))
	r.bounded("asleep", before, asleep, sleepers, 128, 6<<10)
	r.bounded("awake", asleep, awake, wakers, 8<<10, 20<<10)
	if len(r.faults) > 0 {
		t.Errorf("%d faults, the first of them:\n%s", len(r.faults), r.faults[0])
	}
}

// perKey says how much larger the heap of each process has become for each key.
func perKey(what string, before, after look, keys int) (text string) {
	for _, name := range sortedNames(after.processes) {
		text += fmt.Sprintf("%12s, %6s: %6d\n", name, what, heapPerKey(name, before, after, keys))
	}
	return text
}

// bounded says that a key costs at most so many bytes of heap: twice what it was when this was written, and of nothing what is no measure.
func (r *run) bounded(what string, before, after look, keys int, gateway, operator int64) {
	for name := range after.processes {
		most := operator
		if strings.HasPrefix(name, "gateway") {
			most = gateway
		}
		if n := heapPerKey(name, before, after, keys); n > most {
			r.fault("a key that is %s costs %d bytes of heap of %s, and %d are the most", what, n, name, most)
		}
	}
}

func heapPerKey(name string, before, after look, keys int) int64 {
	return (after.processes[name].heap - before.processes[name].heap) / int64(keys)
}

// How and where the API server is asked for the bytes of an object.
const (
	asJSON     = "application/json" // of a custom resource: what etcd has
	asProtobuf = "application/vnd.kubernetes.protobuf"
	sessions   = "/apis/sessions.dormouse.dev/v1alpha1/namespaces/red/sessions/"
	pods       = "/api/v1/namespaces/red/pods/"
)

// calm says whether the gateways have as few goroutines as before: those of connections are gone.
func (r *run) calm(before look) bool {
	for _, g := range r.gateways {
		g.client.CloseIdleConnections()
		if int(r.metrics(g.admin)["go_goroutines"]) > before.processes[g.name].goroutines+slack {
			return false
		}
	}
	return true
}

// bytesOf is the size of an object as the API server sends it.
func (r *run) bytesOf(path, encoding string) int {
	var body []byte
	r.must("read "+path, func() (err error) {
		body, err = r.kubelet.api.CoreV1().RESTClient().Get().AbsPath(path).SetHeader("Accept", encoding).DoRaw(r.ctx)
		return err
	})
	return len(body)
}

// visit is one request.
func (r *run) visit(g *gateway, template, key string) {
	status, body, err := g.ask(r.ctx, "red/"+template+"/"+key, 0, "")
	if err != nil || status != http.StatusOK {
		r.fault("%s: %d %s %v", key, status, body, err)
	}
}

// slept is a session that was there before its first request, has served, was saved, and sleeps.
func (r *run) slept(key string) *v1alpha1.Session {
	made := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: "red", Name: savedTemplate + "." + key}}
	made.Spec = v1alpha1.SessionSpec{Template: savedTemplate, Key: key}
	r.create(made)
	r.visit(r.gateways[0], savedTemplate, key)
	s := &v1alpha1.Session{}
	r.wait(time.Minute, key+" sleeps", func() bool {
		err := r.api.Get(r.ctx, client.ObjectKey{Namespace: "red", Name: savedTemplate + "." + key}, s)
		return err == nil && s.Status.Phase == v1alpha1.PhaseAsleep
	})
	return s
}

// copies makes sessions that have gone through the same.
func (r *run) copies(model *v1alpha1.Session, n int) {
	r.all(n, func(i int) {
		s := model.DeepCopy()
		s.ObjectMeta = metav1.ObjectMeta{Namespace: model.Namespace, Finalizers: model.Finalizers}
		s.Spec.Key = fmt.Sprintf("sleeper-%05d", i)
		s.Name = s.Spec.Template + "." + s.Spec.Key
		status := s.Status
		r.must("make a sleeper", func() error { return r.api.Create(r.ctx, s) })
		s.Status, s.ManagedFields = status, []metav1.ManagedFieldsEntry{{}} // nobody keeps them, as the operator would have it
		r.must("put it to sleep", func() error { return r.api.Status().Update(r.ctx, s) })
	})
}

// all does it n times, some at once.
func (r *run) all(n int, do func(i int)) {
	var all sync.WaitGroup
	for first := range passers {
		all.Go(func() {
			for i := first; i < n && r.ctx.Err() == nil; i += passers {
				do(i)
			}
		})
	}
	all.Wait()
}
