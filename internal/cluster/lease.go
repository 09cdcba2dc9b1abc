package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	// renewEvery is the time between renewals when nothing waits for one.
	renewEvery = 2 * time.Second
	// renewGap is the least time between renewals, so that they are at most 5 a second.
	renewGap = 200 * time.Millisecond
	// renewTimeout is how long one renewal may take.
	renewTimeout = 5 * time.Second
)

// errTaken means that another process has taken this gateway's Lease, so nobody waits for this one any more.
var errTaken = errors.New("another process holds the Lease of this gateway: there must be one process per gateway pod")

// Identity is who a gateway is.
type Identity struct {
	Instance  string // of this process, never the same twice
	Name      string // of its pod, and of its Lease
	Namespace string
	PodUID    string // may be empty; the Lease is then not collected with the pod
	Started   time.Time
}

// lease is how a gateway says how far it has seen.
type lease struct {
	client client.Client
	who    Identity
	sight  func(most int) (watermark uint64, unsettled []string)
	fresh  *freshness
	now    func() time.Time
	log    *slog.Logger
	failed func() // told of each renewal that failed

	hurry chan struct{} // of capacity one
	held  *coordinationv1.Lease
}

// hasten renews the Lease soon.
func (l *lease) hasten() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

// acquire makes the Lease, or takes over that of an earlier process of the same pod, and vouches for nothing yet. It tries
// until the context ends.
func (l *lease) acquire(ctx context.Context) error {
	pause := pauses{}
	for {
		began := l.now()
		err := l.take(ctx)
		if err == nil {
			l.fresh.renewedAt(began)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.log.Warn("cannot make the lease", "error", err)
		pause.wait(ctx)
	}
}

func (l *lease) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	fresh := l.wanted(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.who.Namespace, Name: l.who.Name}}, "", "")
	err := l.client.Create(ctx, fresh, client.FieldOwner(v1alpha1.OwnerGateway))
	if err == nil {
		l.held = fresh
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create lease: %w", err)
	}
	old, err := l.read(ctx)
	if err != nil {
		return err
	}
	return l.put(ctx, l.wanted(old, "", ""))
}

// run renews the Lease until the context ends. It fails only if the Lease is another's.
func (l *lease) run(ctx context.Context) error {
	next := time.NewTimer(renewEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		case <-l.hurry:
		}
		if err := l.renew(ctx); errors.Is(err, errTaken) {
			return err
		}
		gap := time.NewTimer(renewGap)
		select {
		case <-ctx.Done():
		case <-gap.C:
		}
		next.Reset(renewEvery - renewGap)
	}
}

func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	began := l.now()
	err := l.write(ctx)
	if err == nil {
		l.fresh.renewedAt(began)
		return nil
	}
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		l.log.Warn("cannot renew the lease", "error", err)
		l.failed()
	}
	return err
}

// write says how far the gateway has seen by now. A conflict is somebody's edit, somebody's delete, or another holder.
func (l *lease) write(ctx context.Context) error {
	err := l.put(ctx, l.current(l.held))
	if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return err
	}
	now, err := l.read(ctx)
	if apierrors.IsNotFound(err) {
		return l.take(ctx)
	}
	if err != nil {
		return err
	}
	if holder := now.Spec.HolderIdentity; holder == nil || *holder != l.who.Instance {
		return errTaken
	}
	return l.put(ctx, l.current(now))
}

// current is the Lease that says how far the gateway has seen by now.
func (l *lease) current(from *coordinationv1.Lease) *coordinationv1.Lease {
	watermark, unsettled := l.sight(v1alpha1.MaxUnsettled)
	mark := ""
	if watermark > 0 {
		mark = strconv.FormatUint(watermark, 10)
	}
	return l.wanted(from, mark, strings.Join(unsettled, ","))
}

func (l *lease) wanted(from *coordinationv1.Lease, watermark, unsettled string) *coordinationv1.Lease {
	to := from.DeepCopy()
	to.Labels = with(to.Labels, map[string]string{v1alpha1.LabelComponent: v1alpha1.ComponentGateway})
	to.Annotations = with(to.Annotations, map[string]string{
		v1alpha1.AnnotationWatermark: watermark,
		v1alpha1.AnnotationUnsettled: unsettled,
		v1alpha1.AnnotationPodUID:    l.who.PodUID,
	})
	to.OwnerReferences = nil
	if l.who.PodUID != "" {
		to.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: l.who.Name, UID: types.UID(l.who.PodUID)}}
	}
	started, now := metav1.NewMicroTime(l.who.Started), metav1.NewMicroTime(l.now())
	to.Spec.HolderIdentity = &l.who.Instance
	to.Spec.AcquireTime, to.Spec.RenewTime = &started, &now
	return to
}

func with(to, more map[string]string) map[string]string {
	if to == nil {
		to = map[string]string{}
	}
	maps.Copy(to, more)
	return to
}

func (l *lease) read(ctx context.Context) (*coordinationv1.Lease, error) {
	now := &coordinationv1.Lease{}
	if err := l.client.Get(ctx, types.NamespacedName{Namespace: l.who.Namespace, Name: l.who.Name}, now); err != nil {
		return nil, fmt.Errorf("read lease: %w", err)
	}
	return now, nil
}

func (l *lease) put(ctx context.Context, to *coordinationv1.Lease) error {
	if err := l.client.Update(ctx, to, client.FieldOwner(v1alpha1.OwnerGateway)); err != nil {
		return fmt.Errorf("update lease: %w", err)
	}
	l.held = to
	return nil
}

// release deletes the Lease: this process has nothing in flight any more, and will not have.
func (l *lease) release(ctx context.Context) error {
	if l.held == nil {
		return nil
	}
	uid := l.held.UID
	err := l.client.Delete(ctx, l.held, client.Preconditions{UID: &uid})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete lease: %w", err)
	}
	return nil
}
