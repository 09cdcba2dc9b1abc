package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// cold makes one request for a key that has no pod, through one gateway to which a connection is open.
func (b *bed) cold(ctx context.Context, key string) (sample, error) {
	if err := b.warm(ctx); err != nil {
		return sample{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.gateway+"/", nil)
	if err != nil {
		return sample{}, err
	}
	r.Header.Set(header, key)
	s := sample{object: templateName + "." + key, sent: time.Now()}
	body, head, err := answerOf(b.client, r)
	s.answered = time.Now()
	switch {
	case err != nil:
		return s, err
	case !strings.HasPrefix(body, key+" "):
		return s, fmt.Errorf("the session of %s answers %q", key, body)
	case !strings.Contains(head.Get("Server-Timing"), "wake;dur="):
		return s, fmt.Errorf("the session of %s was awake", key)
	}
	return s, nil
}

// warm opens the connection to the gateway, if there is none.
func (b *bed) warm(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.gateway+"/.well-known/dormouse/healthz", nil)
	if err != nil {
		return err
	}
	_, _, err = answerOf(b.client, r)
	return err
}

// answerOf makes a request whose answer must be 200, and reads it to its end.
func answerOf(c *http.Client, r *http.Request) (string, http.Header, error) {
	res, err := c.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", r.Method, r.URL, res.Status, body)
	}
	return string(body), res.Header, err
}

// slept waits until a session sleeps and its pod is gone.
func (b *bed) slept(ctx context.Context, object string) error {
	name := metav1.ObjectMeta{Namespace: namespace, Name: object}
	return until(ctx, "wait until "+object+" sleeps", func() (bool, error) {
		session := &v1alpha1.Session{ObjectMeta: name}
		if _, err := b.exists(ctx, session); err != nil || session.Status.Phase != v1alpha1.PhaseAsleep {
			return false, err
		}
		there, err := b.exists(ctx, &corev1.Pod{ObjectMeta: name})
		return !there, err
	})
}
