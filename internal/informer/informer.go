// Package informer makes informers that are back soon after faults of the API server, however many there were.
//
// An informer follows the API server by a reflector. After each fault a reflector of client-go stays away for longer than before, up to a
// minute, and forgets that only two minutes later; an informer has no way to say otherwise. So an informer of this package gets a list and a
// watch that never fail, and a reflector beside it, which has other pauses, has them go on. See docs/adr/0039.
package informer

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// firstPause and lastPause bound the time between attempts to reach the API server, but for the jitter, which adds up to as much as
// half. Every session that is to wake waits for the last one. Each kind of object has an informer, and only a leader has informers, so a
// struggling API server gets a handful of requests a second.
const (
	firstPause, lastPause = 100 * time.Millisecond, time.Second
	jitter                = 0.5
)

// New makes an informer, as cache.NewSharedIndexInformer does. It is for the options of controller-runtime's cache. A transform must change
// the objects that it gets and not make others, or both are kept in memory.
func New(from cache.ListerWatcher, example runtime.Object, resync time.Duration, by cache.Indexers) cache.SharedIndexInformer {
	r := newRelay(example)
	return &informer{SharedIndexInformer: cache.NewSharedIndexInformer(r, example, resync, by), from: from, example: example, relay: r}
}

type informer struct {
	cache.SharedIndexInformer
	from    cache.ListerWatcher
	example runtime.Object
	relay   *relay
}

// Run is RunWithContext, for those who have a channel.
func (i *informer) Run(stop <-chan struct{}) { i.RunWithContext(wait.ContextForChannel(stop)) }

// RunWithContext follows until the context ends. It must be called once.
func (i *informer) RunWithContext(ctx context.Context) {
	i.relay.done = ctx.Done()
	logger := klog.FromContext(ctx)
	reflector := cache.NewReflectorWithOptions(i.from, i.example, i.relay, cache.ReflectorOptions{Logger: &logger, Backoff: pauses()})
	var following sync.WaitGroup
	following.Go(func() { reflector.RunWithContext(ctx) })
	defer following.Wait()
	i.SharedIndexInformer.RunWithContext(ctx)
}

func pauses() *wait.Backoff {
	return &wait.Backoff{Duration: firstPause, Cap: lastPause, Factor: 2, Steps: 10, Jitter: jitter}
}
