//go:build linux

package swarm

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// play plays a deck of faults again and again in an order that the seed gives, all of them at least once, until the load is over. Each
// fault is over when its function returns; pauses up to rest are between.
func (r *run) play(seed uint64, rest time.Duration, over <-chan struct{}, deck map[string]func(*rand.Rand)) {
	dice := rand.New(rand.NewPCG(r.seed, seed))
	for round := 0; ; round++ {
		for _, name := range shuffled(dice, deck) {
			select {
			case <-r.ctx.Done():
				return
			case <-over:
				if round > 0 {
					return
				}
			case <-time.After(rest/2 + time.Duration(dice.Int64N(int64(rest)))):
			}
			deck[name](dice)
			if name != "" {
				r.tally.add(name, 1)
			}
		}
	}
}

// shuffled are the names of a deck in an order that only the dice decide.
func shuffled(dice *rand.Rand, deck map[string]func(*rand.Rand)) []string {
	names := sortedNames(deck)
	dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// kills are the ends of processes.
func (r *run) kills() map[string]func(*rand.Rand) {
	pause := func(dice *rand.Rand, most time.Duration) time.Duration {
		return time.Duration(dice.Int64N(int64(most)))
	}
	gateway := func(s syscall.Signal, anew bool) func(*rand.Rand) {
		return func(dice *rand.Rand) {
			r.gateways[dice.IntN(len(r.gateways))].restart(s, pause(dice, 2*time.Second), anew)
		}
	}
	leader := func(most time.Duration) func(*rand.Rand) {
		return func(dice *rand.Rand) {
			r.wait(time.Minute, "an operator leads", func() bool { return r.leader() != nil })
			o := r.leader()
			if o == nil {
				return
			}
			r.killed(o)
			time.Sleep(pause(dice, most))
			if err := o.launch(); err != nil {
				r.fault("%v", err)
			}
		}
	}
	server := func(p func() *program) func(*rand.Rand) {
		return func(dice *rand.Rand) {
			defer r.diary.begin("API server")()
			p().signal(syscall.SIGKILL)
			time.Sleep(pause(dice, time.Second))
			if err := p().launch(); err != nil {
				r.fault("%v", err)
			}
			if !r.plane.up(r.ctx, 2*time.Minute) && r.ctx.Err() == nil {
				r.fault("the API server does not come back")
			}
		}
	}
	return map[string]func(*rand.Rand){
		"kill -9: gateway, whose container is started again": gateway(syscall.SIGKILL, false),
		"kill -9: gateway, whose pod is replaced":            gateway(syscall.SIGKILL, true),
		"SIGTERM: gateway":                                            gateway(syscall.SIGTERM, true),
		"kill -9: leading operator, back at once":                     leader(100 * time.Millisecond),
		"kill -9: leading operator, back when the other one may lead": leader(15 * time.Second),
		"kill -9: kube-apiserver":                                     server(func() *program { return r.plane.server }),
		"kill -9: etcd":                                               server(func() *program { return r.plane.etcd }),
	}
}

// killed kills the operator that leads, and notes when one leads again.
func (r *run) killed(o *operator) {
	end := r.diary.begin("operator")
	at := time.Now()
	o.signal(syscall.SIGKILL)
	r.work.Go(func() {
		defer end()
		r.wait(2*time.Minute, "an operator leads again", func() bool {
			var lease coordinationv1.Lease
			err := r.api.Get(r.ctx, leaderKey, &lease)
			return err == nil && lease.Spec.RenewTime != nil && lease.Spec.RenewTime.After(at)
		})
	})
}

// longest is how long a spell of trouble lasts at most, less half a second, if it has struck by then. A gateway that hears nothing of a sleep must be able to send
// something to a pod that is deaf to its end.
var longest = map[trouble]time.Duration{
	dropped: 3 * time.Second, delayed: 3 * time.Second, cut: time.Second, frozen: 7 * time.Second,
	expired: time.Second, busy: 2 * time.Second, unavailable: 3 * time.Second,
}

// apiFaults are what the proxies do, each to one client.
func (r *run) apiFaults() map[string]func(*rand.Rand) {
	deck := map[string]func(*rand.Rand){}
	for _, what := range troubles {
		for _, gateways := range []bool{true, false} {
			name := "spells of trouble for an operator: " + string(what)
			if gateways {
				name = "spells of trouble for a gateway: " + string(what)
			}
			deck[name] = func(dice *rand.Rand) {
				p, who := r.operators[dice.IntN(len(r.operators))].proxy, "operator"
				if gateways {
					p = r.gateways[dice.IntN(len(r.gateways))].proxy
					who = p.name
				} else if o := r.leader(); o != nil {
					p = o.proxy
				}
				defer r.diary.begin("trouble of " + who)()
				struck := p.begin(what)
				time.Sleep(time.Second/2 + time.Duration(dice.Int64N(int64(longest[what]))))
				select {
				case <-struck:
				case <-time.After(20 * time.Second): // of an operator that does not lead, say
				case <-r.ctx.Done():
				}
				p.end()
			}
		}
	}
	return deck
}

// lives are what happens to sessions.
func (r *run) lives() map[string]func(*rand.Rand) {
	crash := func(dice *rand.Rand) {
		if r.kubelet.crash(dice.IntN(1 << 20)) {
			r.tally.add("pods crashed", 1)
		}
	}
	young := 0
	return map[string]func(*rand.Rand){
		"": crash,
		"sessions deleted as soon as they served, and made again": func(dice *rand.Rand) {
			young++
			key := fmt.Sprintf("red/%s/young%d", throughTemplate, young)
			c := &caller{run: r, rand: dice}
			for range 3 {
				c.call(r.ctx, key, 1, "")
				r.remove(key)
			}
		},
		"sessions deleted": func(dice *rand.Rand) {
			for range 5 {
				crash(dice)
				time.Sleep(time.Duration(dice.Int64N(int64(time.Second))))
			}
			r.remove(r.keys[dice.IntN(len(r.keys))])
		},
	}
}

// remove deletes the session of a key and waits until it is gone. The next request makes it anew.
func (r *run) remove(key string) {
	s := &v1alpha1.Session{}
	if err := r.api.Get(r.ctx, nameOf(key), s); err != nil {
		return
	}
	defer r.diary.begin("deletion of " + key)()
	uid := s.UID
	if err := r.api.Delete(r.ctx, s, client.Preconditions{UID: &uid}); err != nil {
		return
	}
	r.wait(3*time.Minute, "the session of "+key+" goes when it is deleted", func() bool {
		now := &metav1.PartialObjectMetadata{}
		now.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Session"))
		err := r.api.Get(r.ctx, nameOf(key), now)
		return client.IgnoreNotFound(err) == nil && (err != nil || now.UID != uid)
	})
}
