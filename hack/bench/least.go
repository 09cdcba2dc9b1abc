package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// leastKey is of a session that is suspended, so that no operator does anything about what is written of it.
const leastKey = "least"

// least starts a pod by the writes and the watches that a wake waits for, one after the other, and by nothing else: a Session is written and seen,
// the pod is made and seen, the Session is written and seen again. It is what would be left of a wake if all of ours took no time.
func (b *bed) least(ctx context.Context, name string) (sample, error) {
	session, err := b.suspended(ctx)
	if err != nil {
		return sample{}, err
	}
	w, err := b.api.Watch(ctx, &v1alpha1.SessionList{}, client.InNamespace(namespace), client.MatchingFields{"metadata.name": session.Name})
	if err != nil {
		return sample{}, fmt.Errorf("watch session: %w", err)
	}
	defer w.Stop()
	return b.start(ctx, name, func(ctx context.Context) error { return b.writeAndSee(ctx, session, w) })
}

// suspended makes the Session that is written, if it is not there.
func (b *bed) suspended(ctx context.Context) (*v1alpha1.Session, error) {
	s := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: templateName + "." + leastKey},
		Spec:       v1alpha1.SessionSpec{Template: templateName, Key: leastKey, Suspend: true},
	}
	if err := b.api.Create(ctx, s); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("create session: %w", err)
	}
	return s, nil
}

// writeAndSee touches a Session and returns as soon as its watch has that. It does not wait for the answer of the write, as nobody does in a wake.
func (b *bed) writeAndSee(ctx context.Context, session *v1alpha1.Session, w watch.Interface) error {
	now := metav1.NewMicroTime(time.Now().Truncate(time.Microsecond))
	body, err := json.Marshal(map[string]any{"status": map[string]any{
		"activity": v1alpha1.Activity{Time: now, Source: v1alpha1.SourceRequest, By: "bench"},
	}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		answer := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: session.Name}}
		err := b.api.Status().Patch(context.WithoutCancel(ctx), answer, client.RawPatch(types.MergePatchType, body))
		if err != nil {
			cancel(fmt.Errorf("write session: %w", err))
		}
	}()
	_, err = next(ctx, w, func(_ watch.Event, s *v1alpha1.Session) bool {
		return s.Status.Activity != nil && s.Status.Activity.Time.Equal(&now)
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}
