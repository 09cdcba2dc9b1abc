package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// identityTimeout bounds one request to the identity path.
	identityTimeout = time.Second
	// identityBody is how many bytes of its answer are read: a UID has 36.
	identityBody = 256
	// misroutePause is at most between two attempts to reach a pod at an address where another answers: it is not ours to ask.
	misroutePause = 100 * time.Millisecond
)

// misrouteError is a connection at whose other end is not the pod that was dialled, as far as that says who it is.
type misrouteError struct{ answer string }

func (e *misrouteError) Error() string {
	return "not the pod that was dialled: its identity path was answered with " + e.answer
}

// askIdentity asks who is at the other end. The link comes back if it is the pod that was dialled.
func (l *link) askIdentity(ctx context.Context, path string, m *Metrics) (*link, error) {
	return l.good(l.identify(ctx, path, m))
}

// identify is the error of a link at whose other end is not the pod that was dialled, as far as that says who it is.
func (l *link) identify(ctx context.Context, path string, m *Metrics) error {
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	err := l.getIdentity(ctx, path)
	if other := new(misrouteError); errors.As(err, &other) {
		m.misroutes.Inc()
	}
	return err
}

func (l *link) getIdentity(ctx context.Context, path string) error {
	res, err := l.get(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, identityBody+1))
	if err != nil {
		return err
	}
	if len(body) > identityBody || res.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != l.pod.uid {
		return &misrouteError{fmt.Sprintf("%s %.40q", res.Status, body)}
	}
	return nil
}

// nextPause is between the next two attempts to reach a pod, after one that met that error.
func nextPause(pause time.Duration, err error) time.Duration {
	if other := new(misrouteError); errors.As(err, &other) {
		return min(2*pause, misroutePause)
	}
	return min(2*pause, maxPause)
}
