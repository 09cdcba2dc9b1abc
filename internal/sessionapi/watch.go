package sessionapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// watch answers with server-sent events: the session as it is, and then each change, until it is gone. A comment each 15 s says that the
// watch is alive. A client that is cut off connects again, and is told at first how things stand.
func (a *API) watch(w http.ResponseWriter, r *http.Request, c call) error {
	t, caller, err := a.permitted(r, c, access.Look)
	if err != nil {
		return err
	}
	ctx, cancel := whileGood(r.Context(), caller)
	defer cancel()
	news, done := make(chan client.Session), make(chan error, 1)
	go func() {
		done <- a.Sessions.Watch(ctx, t, func(s client.Session) error {
			select {
			case news <- s:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	err = a.stream(ctx, &events{to: w, control: http.NewResponseController(w)}, news, done)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return err
}

// whileGood ends with the credential of a caller.
func whileGood(ctx context.Context, c access.Caller) (context.Context, context.CancelFunc) {
	if c.Until.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, c.Until)
}

// stream writes the news until there is no more, the client is gone, or the gateway ends.
func (a *API) stream(ctx context.Context, to *events, news <-chan client.Session, done <-chan error) error {
	alive := time.NewTicker(a.Beat)
	defer alive.Stop()
	for {
		var err error
		select {
		case s := <-news:
			err = to.state(s)
		case <-alive.C:
			err = to.comment()
		case err := <-done:
			return to.end(err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-a.Ending:
			return nil
		}
		if err != nil {
			return nil // the client has gone, and its watch with it
		}
	}
}

// events are those of one client. The answer begins with the first.
type events struct {
	to      http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (e *events) begin() {
	if !e.begun {
		e.begun = true
		e.to.Header().Set("Content-Type", "text/event-stream")
		e.to.Header().Set("X-Accel-Buffering", "no") // says to nginx that each event is to be passed on at once
	}
}

func (e *events) write(text string) error {
	e.begin()
	if _, err := fmt.Fprint(e.to, text); err != nil {
		return err
	}
	return e.control.Flush()
}

func (e *events) state(s client.Session) error {
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return e.write("event: session\nid: " + s.Version + "\ndata: " + string(body) + "\n\n")
}

func (e *events) comment() error { return e.write(":\n\n") }

// end says why there will be no more, if the client can be told: an answer that has begun can only say that the session is gone.
func (e *events) end(err error) error {
	if !e.begun {
		return err
	}
	var r *directory.Refusal
	if errors.As(err, &r) && r.Kind == directory.NotFound {
		_ = e.write("event: gone\ndata: {}\n\n")
	}
	return nil
}
