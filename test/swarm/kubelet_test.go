//go:build linux

package swarm

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/informer"
)

// nodeName is the node that all pods run on.
const nodeName = "loopback"

// podPort is the port of every pod.
const podPort = "8080"

// kubelet runs the pods of sessions at addresses of loopback. It knows which processes there are, so it is the judge of that.
type kubelet struct {
	api     kubernetes.Interface
	store   *store
	fault   func(format string, args ...any)
	tally   *tally
	journal *journal
	prompt  bool // nothing that is left to chance happens

	mu      sync.Mutex
	rand    *rand.Rand
	guests  map[types.UID]*guest
	running map[string]*guest // by key
	crashes crashes
	net     addresses
	now     func() int64
	work    sync.WaitGroup
}

// openKubelet makes the node and follows the pods of sessions until the test ends.
func openKubelet(t *testing.T, r *run) *kubelet {
	t.Helper()
	k := &kubelet{
		store: r.store, fault: r.fault, tally: r.tally, journal: r.journal, now: r.now, rand: rand.New(rand.NewPCG(r.seed, 2)),
		guests: map[types.UID]*guest{}, running: map[string]*guest{},
	}
	k.crashes.now = r.now
	k.net.first = net.IPv4(127, byte(64+rand.IntN(64)), 0, 0).To4()
	k.api = kubernetes.NewForConfigOrDie(r.plane.config())
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName}}
	if _, err := k.api.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	from := cache.NewFilteredListWatchFromClient(k.api.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, func(o *metav1.ListOptions) {
		o.LabelSelector = v1alpha1.LabelTemplate
	})
	pods := informer.New(from, &corev1.Pod{}, 0, cache.Indexers{}) // client-go's own would stay away for up to a minute, and no pod would start
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { k.see(ctx, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { k.see(ctx, o.(*corev1.Pod)) },
		DeleteFunc: func(o any) { k.miss(o) },
	})
	if err != nil {
		t.Fatal(err)
	}
	k.work.Go(func() { pods.RunWithContext(ctx) })
	t.Cleanup(func() {
		cancel()
		k.work.Wait()
	})
	return k
}

// see takes in a version of a pod.
func (k *kubelet) see(ctx context.Context, pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	g := k.guests[pod.UID]
	if g == nil {
		g = k.newGuest(pod)
		k.guests[pod.UID] = g
		k.work.Go(func() { g.run(ctx) })
	}
	if pod.DeletionTimestamp != nil {
		g.grace.Store(int64(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second))
		g.ask.Do(func() { close(g.asked); k.journal.note("%s is to end", g.work.identity) })
	}
}

// miss takes in that a pod is gone.
func (k *kubelet) miss(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	pod := o.(*corev1.Pod)
	g := k.guests[pod.UID]
	if g == nil {
		return
	}
	delete(k.guests, pod.UID)
	if k.running[g.work.Key] == g {
		k.fault("the pod of %s is gone, and its process runs", g.work.identity)
	}
	g.ask.Do(func() { close(g.asked) })
	close(g.gone)
}

// begins notes that a process starts, and gives it an address.
func (k *kubelet) begins(g *guest) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if other := k.running[g.work.Key]; other != nil {
		k.fault("%s starts while %s runs", g.work.identity, other.work.identity)
	}
	k.running[g.work.Key] = g
	address, before := k.net.take(g.owner)
	if before != nil {
		k.tally.add("addresses recycled", 1)
		if before.tenant != g.owner.tenant {
			k.tally.add("of them to another tenant", 1)
		}
	}
	k.tally.add("pods started", 1)
	k.journal.note("%s starts at %s", g.work.identity, address)
	return address
}

// ended notes that a process has ended: its address is free from now on.
func (k *kubelet) ended(g *guest, address string, crashed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.running, g.work.Key)
	k.tally.add("pods ended", 1)
	k.net.give(address)
	k.journal.note("%s has ended at %s, crashed: %v", g.work.identity, address, crashed)
}

// crash ends a process that may be crashed, chosen by n, as by a signal or by itself, and says whether there was one.
func (k *kubelet) crash(n int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*guest
	for _, g := range k.running {
		if g.work.through {
			all = append(all, g)
		}
	}
	if len(all) == 0 {
		return false
	}
	select {
	case all[n%len(all)].crash <- []int32{1, 137, 139}[n%3]:
		return true
	default:
		return false
	}
}

// counts are how many processes run, and how many addresses are not free.
func (k *kubelet) counts() (processes, used int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.running), len(k.net.used)
}

// chance is whether something happens that does so once in n times.
func (k *kubelet) chance(n int) bool {
	if k.prompt {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.rand.IntN(n) == 0
}

// upTo is a time up to d.
func (k *kubelet) upTo(d time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Duration(k.rand.Int64N(int64(d) + 1))
}

// hangs is how long a save takes.
func (k *kubelet) hangs() time.Duration {
	if k.chance(30) {
		return k.upTo(3 * time.Second)
	}
	return 0
}

// crashes are when pods crashed, by key.
type crashes struct {
	now func() int64
	mu  sync.Mutex
	at  map[string][]*span
}

// during has a pod of the key crash.
func (c *crashes) during(key string, kill func()) {
	s := &span{from: c.now()}
	c.mu.Lock()
	if c.at == nil {
		c.at = map[string][]*span{}
	}
	c.at[key] = append(c.at[key], s)
	c.mu.Unlock()
	kill()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.to = c.now()
}

// of is when the pods of a key crashed, in seconds.
func (c *crashes) of(key string) (at []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.at[key] {
		at = append(at, seconds(s.from))
	}
	return at
}

// between says whether a pod of the key crashed between two times.
func (c *crashes) between(key string, from, to int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.at[key], func(s *span) bool { return s.overlaps(from, to) })
}

// backOff says whether a key may be told to come again later: each failure in a row doubles the time, from a second to 5 minutes.
// The news may take as long as word to come round.
func (c *crashes) backOff(key string, from, to int64, word time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := time.Second
	for _, s := range c.at[key] {
		if s.from <= to && time.Duration(from-s.from) < wait+word {
			return true
		}
		wait = min(2*wait, 5*time.Minute)
	}
	return false
}

// owner is who has or had an address.
type owner struct{ tenant string }

// addresses gives those out first that were given back last.
type addresses struct {
	first net.IP
	next  int
	free  []string
	used  map[string]bool
	last  map[string]owner
}

// take gives an address, and who had it before.
func (a *addresses) take(o owner) (address string, before *owner) {
	if a.used == nil {
		a.used, a.last = map[string]bool{}, map[string]owner{}
	}
	if n := len(a.free); n > 0 {
		address, a.free = a.free[n-1], a.free[:n-1]
	} else {
		a.next++
		address = net.IPv4(127, a.first[1], byte(a.next>>8), byte(a.next&255)).String()
	}
	if last, ok := a.last[address]; ok {
		before = &last
	}
	a.used[address], a.last[address] = true, o
	return address, before
}

func (a *addresses) give(address string) {
	delete(a.used, address)
	a.free = append(a.free, address)
}
