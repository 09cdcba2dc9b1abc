package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// self is how a pod of a template with selfCalls calls the gateways.
var self client.Self

// work says that the session is busy, in leases of the query lease, for as long as the query for says. It answers when the first is held.
func (s *session) work(w http.ResponseWriter, r *http.Request) {
	last, err := time.ParseDuration(r.URL.Query().Get("for"))
	lease, bad := time.ParseDuration(r.URL.Query().Get("lease"))
	if err != nil || bad != nil {
		http.Error(w, "for and lease are durations", http.StatusBadRequest)
		return
	}
	if _, err := self.Busy(r.Context(), lease); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	go renew(context.WithoutCancel(r.Context()), last, lease)
	s.show(w, 0)
}

func renew(ctx context.Context, last, lease time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, last)
	defer cancel()
	for tick := time.NewTicker(lease / 3); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if _, err := self.Busy(ctx, lease); err != nil && ctx.Err() == nil {
				fmt.Println("busy:", err)
			}
		}
	}
}

// wakeMe sets an alarm, as far away as the query in says.
func (s *session) wakeMe(w http.ResponseWriter, r *http.Request) {
	in, err := time.ParseDuration(r.URL.Query().Get("in"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := self.SetAlarms(r.Context(), time.Now().Add(in)); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	s.show(w, 0)
}

// rest has the session sleep, when the answer to this request is long over: a request in flight takes a sleep back.
func (s *session) rest(w http.ResponseWriter, r *http.Request) {
	ctx := context.WithoutCancel(r.Context())
	time.AfterFunc(time.Second, func() {
		if _, err := self.Sleep(ctx); err != nil {
			fmt.Println("sleep:", err)
		}
	})
	s.show(w, 0)
}
