package cluster

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// A touch that joins a flight which writes nothing was not made: the directory hears so, and asks again. It held the session in its
// memory for ever, and never touched it again.
func TestTouchThatJoinsAFlightWithoutAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		d := &directory.Directory{Now: time.Now}
		toucher := &toucher{directory: d, log: slog.New(slog.DiscardHandler)}
		d.Touch = func(n directory.Need) {
			if asked++; asked == 1 {
				toucher.keep(n)
			}
		}
		id := directory.ID{Name: "a"}
		land := make(chan struct{})
		go func() {
			_, _ = toucher.fly(t.Context(), id, func(context.Context, directory.ID) (uint64, error) {
				<-land
				return 7, errComing
			})
		}()
		synctest.Wait()
		waiter := d.Await(directory.Wish{ID: id, IdleAfter: time.Minute})
		d.Apply(id, directory.View{Version: 7, UID: "uid", State: directory.Unreachable, Unwanted: true})
		synctest.Wait()
		close(land)
		time.Sleep(2 * retryAgain)
		waiter.Done()
		if asked < 2 {
			t.Errorf("asked for a touch %d times", asked)
		}
		d.Touch = nil
	})
}

// A touch that joins a flight which told its answer before is not answered by it: another one is made. The session was held in
// memory for ever, and not touched again for as long.
func TestTouchThatJoinsAFlightAfterItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &directory.Directory{Now: time.Now}
		toucher := &toucher{directory: d, log: slog.New(slog.DiscardHandler), client: gone{}, now: time.Now, count: func(string) {}}
		d.Touch = toucher.keep
		id := directory.ID{Name: "a"}
		waiter := d.Await(directory.Wish{ID: id, IdleAfter: time.Minute})
		_, _ = toucher.fly(t.Context(), id, func(context.Context, directory.ID) (uint64, error) {
			d.Touched(id, directory.View{Version: 7, UID: "uid", State: directory.Unreachable, Unwanted: true})
			synctest.Wait() // until the touch that takes back the sleep has joined
			return 7, nil
		})
		synctest.Wait()
		d.Apply(id, directory.View{Version: 8, State: directory.Absent})
		waiter.Done()
		if held := d.Len(); held > 0 {
			t.Errorf("holds %d sessions", held)
		}
	})
}

// gone is an API server without a Session.
type gone struct{ client.Client }

func (gone) Status() client.SubResourceWriter { return goneStatus{} }

func (gone) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errGone
}

type goneStatus struct{ client.SubResourceWriter }

func (goneStatus) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return errGone
}

var errGone = apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("sessions").GroupResource(), "a")

// retryAgain is when the directory asks again for a touch that was missed.
const retryAgain = time.Second
