package cluster

import (
	"context"
	"errors"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// rouse sees to it that the session is wanted, as wake does, and does not wait for it. One that is up has been needed again.
func (w *waker) rouse(ctx context.Context, wish directory.Wish) error {
	if w.directory.Stale() {
		return unavailable("This gateway has lost the API server.")
	}
	if visit, up := w.directory.Enter(wish.ID); up {
		visit.Leave()
		return nil
	}
	waiter := w.directory.Await(wish)
	defer waiter.Done()
	view, touch := waiter.View()
	if decided, err := w.verdict(view); decided || !touch {
		return err
	}
	if _, err := w.demand(ctx, wish); err != nil {
		return err
	}
	view, _ = waiter.View()
	w.finals.note(wish.ID, &view)
	_, err := w.verdict(view)
	return err
}

// hear takes up what the workload of a published session says, as if it had said it in an answer, and returns when a touch has told it to
// all. What changes little waits for the touch that is due next.
func (w *waker) hear(ctx context.Context, s *v1alpha1.Session, word directory.Word) error {
	if w.directory.Stale() {
		return unavailable("This gateway has lost the API server.")
	}
	version, err := versionOf(s.ResourceVersion)
	if err != nil {
		return err
	}
	id, view := idOf(s), viewOf(s, version, w.rules(s))
	view.Listed = true // how long ago it was touched is not known
	w.directory.Apply(id, view)
	visit, up := w.directory.Enter(id)
	if !up {
		return notPublished()
	}
	visit.Says(word)
	visit.Leave()
	touch := func(ctx context.Context, id directory.ID) (uint64, error) {
		return w.written(ctx, id, v1alpha1.SourceRequest)
	}
	for range wakeAttempts {
		if !w.directory.Telling(id) {
			return nil
		}
		if _, err := w.fly(ctx, id, touch); err != nil && !errors.Is(err, errComing) {
			return refusalOf(err)
		}
	}
	return nil
}

func notPublished() error {
	return &answer.Problem{Reason: answer.ReasonNotPublished, RetryAfter: retryUnavailable}
}
