package cluster

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

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

// retryAgain is when the directory asks again for a touch that was missed.
const retryAgain = time.Second
