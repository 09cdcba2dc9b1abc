package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// How a gateway dials, which the bare start does too.
const (
	firstPause     = time.Millisecond
	maxPause       = 10 * time.Millisecond
	attemptTimeout = 100 * time.Millisecond
)

// sample is one start that was measured, by this process's clock.
type sample struct {
	object    string    // the name of the pod, and of the Session
	sent      time.Time // the request of whoever wants the answer
	addressed time.Time // of a bare start: its address was seen
	answered  time.Time
}

func (s sample) took() time.Duration { return s.answered.Sub(s.sent) }

// bare starts a pod without any of ours, as fast as a client can, and returns when it is gone again.
func (b *bed) bare(ctx context.Context, name string) (sample, error) {
	return b.start(ctx, name, func(context.Context) error { return nil })
}

// start starts a pod, and waits for something before it is made, and again when it has an address.
func (b *bed) start(ctx context.Context, name string, wait func(context.Context) error) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w, err := b.api.Watch(ctx, &corev1.PodList{}, client.InNamespace(namespace), client.MatchingFields{"metadata.name": name})
	if err != nil {
		return sample{}, fmt.Errorf("watch pod: %w", err)
	}
	defer w.Stop()
	pod := b.barePod(name)
	s := sample{object: name, sent: time.Now()}
	if err := wait(ctx); err != nil {
		return s, err
	}
	if err := b.api.Create(ctx, pod); err != nil {
		return s, fmt.Errorf("create pod: %w", err)
	}
	running, err := next(ctx, w, func(e watch.Event, p *corev1.Pod) bool { return p.Status.PodIP != "" })
	if err != nil {
		return s, fmt.Errorf("wait for the address of %s: %w", name, err)
	}
	s.addressed = time.Now()
	if err := wait(ctx); err != nil {
		return s, err
	}
	if err := ask(ctx, running.Status.PodIP, name); err != nil {
		return s, err
	}
	s.answered = time.Now()
	if err := b.api.Delete(ctx, pod); err != nil {
		return s, fmt.Errorf("delete pod: %w", err)
	}
	if _, err := next(ctx, w, func(e watch.Event, _ *corev1.Pod) bool { return e.Type == watch.Deleted }); err != nil {
		return s, fmt.Errorf("wait for the end of %s: %w", name, err)
	}
	return s, nil
}

// barePod is the pod that a session would have, but nobody's.
func (b *bed) barePod(key string) *corev1.Pod {
	session := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: key, UID: "none", CreationTimestamp: metav1.Now()},
		Spec:       v1alpha1.SessionSpec{Template: templateName, Key: key},
	}
	pod := podspec.For(b.template, session, 1)
	pod.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: key}
	return pod
}

// next is the object of the next event of which that is so.
func next[T client.Object](ctx context.Context, w watch.Interface, so func(watch.Event, T) bool) (none T, err error) {
	for {
		select {
		case <-ctx.Done():
			return none, ctx.Err()
		case e, open := <-w.ResultChan():
			o, ok := e.Object.(T)
			if !open || !ok {
				return none, errors.New("the watch has ended")
			}
			if so(e, o) {
				return o, nil
			}
		}
	}
}

// ask dials until the port opens, as a gateway does, and makes one request.
func ask(ctx context.Context, address, key string) error {
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: knock}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(address, strconv.Itoa(port))+"/", nil)
	if err != nil {
		return err
	}
	body, _, err := answerOf(once, r)
	if err == nil && !strings.HasPrefix(body, key+" ") {
		err = fmt.Errorf("the pod of %s answers %q", key, body)
	}
	return err
}

func knock(ctx context.Context, network, address string) (net.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		conn, err := (&net.Dialer{}).DialContext(attempt, network, address)
		cancel()
		if err == nil || ctx.Err() != nil {
			return conn, err
		}
		time.Sleep(pause)
	}
}
