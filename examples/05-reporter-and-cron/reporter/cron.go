package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// cron has its work done once, and ends. When it is woken next is not its business: that stands in its Session. Each waking is an
// epoch, so a manager that dies and is started again has the same work done, once: it is there already.
func cron(ctx context.Context) error {
	go func() { _ = serve(ctx, http.NotFoundHandler()) }() // nobody asks; but a session that serves nothing has not started
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	me, err := published(ctx)
	if err != nil {
		return err
	}
	input, err := os.ReadFile(os.Getenv("SESSION_INPUT")) //nolint:gosec // the path is Dormouse's
	if err != nil {
		return fmt.Errorf("read the input: %w", err)
	}
	job := string(input)
	api := client.New(os.Getenv("DORMOUSE_API"), client.Options{})
	run := client.Ref{Namespace: me.Session.Namespace, Template: "work", Key: fmt.Sprintf("%s-run-%d", me.Session.Key, me.Epoch)}
	if _, _, err := api.Create(ctx, run, client.Spec{Input: &job}); err != nil {
		return err
	}
	return lastWords("has %q done", run.Key)
}

// published waits until Dormouse knows that this pod is up: a process that ends before has failed to start.
func published(ctx context.Context) (me client.Identity, err error) {
	var self client.Self
	for {
		if me, err = self.Who(ctx); err == nil {
			return me, nil
		}
		select {
		case <-ctx.Done():
			return me, err
		case <-time.After(250 * time.Millisecond):
		}
	}
}
