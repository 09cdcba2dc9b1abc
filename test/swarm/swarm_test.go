//go:build linux

package swarm

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

const (
	// throughTemplate is of sessions that write through to the store, and that crash: nothing that they acknowledged may be lost.
	throughTemplate = "through"
	// savedTemplate is of sessions that only the save hook saves. They do not crash, so nothing that they acknowledged may be lost.
	savedTemplate = "saved"

	container, image = "workload", "workload"
	identityPath     = "/who"
	wakeTimeout      = time.Minute
	idleAfter        = time.Second
)

// size is how large a run is.
type size struct {
	keys    int // of each template in each namespace
	callers int
	think   time.Duration // at most, between two requests of a caller
	lasts   time.Duration // at least
}

var short = size{keys: 100, callers: 40, think: 400 * time.Millisecond, lasts: 40 * time.Second}

// run is one run of the swarm.
type run struct {
	t     *testing.T
	ctx   context.Context
	dir   string
	seed  uint64
	size  size
	epoch time.Time

	plane     *controlPlane
	api       client.WithWatch
	kubelet   *kubelet
	gateways  []*gateway
	operators []*operator
	keys      []string // namespace/template/key
	work      sync.WaitGroup

	store   *store
	history history
	tally   *tally
	diary   diary
	journal *journal

	mu     sync.Mutex
	faults []string
}

func (r *run) now() int64 { return int64(time.Since(r.epoch)) }

// 000-11, 000-15, 000-61: whatever is killed, cut off or lied to, every answer is of the session that was asked for, in order, and no
// request fails but for a reason that the promise allows; and in the end all sleep, and nothing is left.
func TestSwarm(t *testing.T) {
	if testing.Short() {
		t.Skip("the swarm takes minutes: not with -short")
	}
	klog.SetLogger(logr.Discard()) // of the client of this test
	log.SetLogger(logr.Discard())
	r := open(t)
	began := time.Now()
	over, played := make(chan struct{}), make(chan struct{})
	var players, callers sync.WaitGroup
	players.Go(func() { r.play(3, 2*time.Second, over, r.kills()) })
	players.Go(func() { r.play(4, time.Second, over, r.apiFaults()) })
	players.Go(func() { r.play(5, 500*time.Millisecond, over, r.lives()) })
	for i := range r.size.callers {
		c := &caller{run: r, rand: rand.New(rand.NewPCG(r.seed, uint64(1000+i)))}
		callers.Go(func() { c.calls(r.ctx, played) })
	}
	time.Sleep(r.size.lasts)
	close(over)
	players.Wait()
	time.Sleep(2 * time.Second) // some requests more, with all well
	close(played)
	callers.Wait()
	r.work.Wait()
	r.tally.add("seconds of load", int64(time.Since(began).Seconds()))
	r.settle()
	r.audit()
	t.Logf("seed %d:\n%s", r.seed, r.tally)
	r.covered()
	if len(r.faults) > 0 {
		t.Errorf("%d faults, the first of them:\n%s", len(r.faults), strings.Join(r.faults[:min(20, len(r.faults))], "\n"))
	}
}

// open starts all that there is, and makes templates and some of the sessions.
func open(t *testing.T) *run {
	t.Helper()
	r, cancel := ground(t)
	file, err := os.Create(filepath.Join(r.dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	r.journal.file = file
	r.size = short
	if d, long := soak(t); long {
		r.size = size{keys: 600, callers: 60, think: 400 * time.Millisecond, lasts: d}
	}
	for _, ns := range []string{"red", "blue"} {
		r.populate(ns)
	}
	rand.New(rand.NewPCG(r.seed, 6)).Shuffle(len(r.keys), func(i, j int) { r.keys[i], r.keys[j] = r.keys[j], r.keys[i] })
	for i := range uint64(2) {
		name := fmt.Sprintf("operator-%d", i)
		p, file := r.proxied(name, 10+i)
		r.openOperator(name, p, file, "--leader-elect")
		name = fmt.Sprintf("gateway-%d", i)
		p, file = r.proxied(name, 20+i)
		r.openGateway(name, p, file)
	}
	t.Cleanup(cancel)
	for _, g := range r.gateways {
		g.ready()
	}
	r.wait(time.Minute, "the templates are accepted and known", r.known)
	return r
}

// ground is what every run stands on: the programs, a control plane, and a node with its kubelet. Nobody keeps the journal.
func ground(t *testing.T, serverFlags ...string) (*run, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &run{t: t, ctx: ctx, dir: place(t), seed: seed(t), epoch: time.Now(), tally: &tally{}, store: &store{records: map[string]record{}}}
	t.Logf("seed %d, logs in %s", r.seed, r.dir)
	r.journal = &journal{now: r.now, file: io.Discard}
	r.diary.now, r.diary.journal = r.now, r.journal
	build(t, r.dir)
	r.plane = openControlPlane(t, r.dir, func(name string) func(error) {
		return func(error) { r.tally.add("ends of "+name+" that follow from a kill of the other", 1) }
	}, serverFlags...)
	var err error
	if r.api, err = apiserver.NewClient(r.plane.config()); err != nil {
		t.Fatal(err)
	}
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: system}})
	r.kubelet = openKubelet(t, r)
	return r, cancel
}

// soak is how long a run lasts that is to last long.
func soak(t *testing.T) (lasts time.Duration, long bool) {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return 0, false
	}
	lasts, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return lasts, true
}

func place(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SWARM_LOGS"); dir != "" {
		dir, err := os.MkdirTemp(dir, "swarm-")
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	return t.TempDir()
}

func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SEED")
	if text == "" {
		return rand.Uint64N(1 << 32)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (r *run) create(o client.Object) {
	r.t.Helper()
	if err := r.api.Create(r.ctx, o); err != nil {
		r.t.Fatal(err)
	}
}

// populate makes a namespace with two templates, and every other session, each of one of five tenants. The other half is made by
// requests.
func (r *run) populate(ns string) {
	r.t.Helper()
	r.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}})
	for _, name := range []string{throughTemplate, savedTemplate} {
		r.create(newTemplate(ns, name))
		for i := range r.size.keys {
			key := fmt.Sprintf("k%d", i)
			r.keys = append(r.keys, ns+"/"+name+"/"+key)
			if i%2 == 0 {
				s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name + "." + key}}
				s.Spec = v1alpha1.SessionSpec{Template: name, Key: key, Tenant: fmt.Sprintf("t%d", i/2%5)}
				r.create(s)
			}
		}
	}
}

func newTemplate(ns, name string) *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	t.Spec.Key.OnMissing = v1alpha1.MissingCreate
	t.Spec.Routes = []v1alpha1.Route{{Path: "/" + ns + "/" + name + "/{key}/"}}
	t.Spec.Port = intstr.FromString("http")
	t.Spec.Wake = v1alpha1.WakeSpec{Timeout: &metav1.Duration{Duration: wakeTimeout}, MaxHeld: 1000}
	t.Spec.Identity = &v1alpha1.IdentitySpec{Path: identityPath}
	t.Spec.Idle.After = &metav1.Duration{Duration: idleAfter}
	t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save"}
	t.Spec.Restart = v1alpha1.RestartSpec{Max: ptr.To(int32(100)), Within: &metav1.Duration{Duration: time.Second}}
	t.Spec.Template.Spec = corev1.PodSpec{
		TerminationGracePeriodSeconds: ptr.To(int64(2)),
		Containers:                    []corev1.Container{{Name: container, Image: image, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}},
	}
	return t
}

// known says whether the operator has accepted all templates and the gateways know them.
func (r *run) known() bool {
	var list v1alpha1.SessionTemplateList
	if err := r.api.List(r.ctx, &list); err != nil {
		return false
	}
	for i := range list.Items {
		t := &list.Items[i]
		if !meta.IsStatusConditionTrue(t.Status.Conditions, v1alpha1.ConditionAccepted) {
			return false
		}
		for _, g := range r.gateways {
			status, body, err := g.ask(r.ctx, t.Namespace+"/"+t.Name+"/_", 0, "")
			if err != nil || status != 404 || !strings.Contains(string(body), "KeyRejected") {
				return false
			}
		}
	}
	return true
}

func nameOf(key string) client.ObjectKey {
	part := strings.Split(key, "/")
	return client.ObjectKey{Namespace: part[0], Name: part[1] + "." + part[2]}
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
