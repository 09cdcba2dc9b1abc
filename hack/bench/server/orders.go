package main

import (
	"net/http"
	_ "net/http/pprof" // at the control listener, which is loopback's
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/hack/bench/figures"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// orders are what the benchmark may say.
func (w *world) orders() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+figures.Path, w.tell)
	mux.Handle("GET /debug/pprof/", http.DefaultServeMux) // where a figure is missed, this says what it goes into
	mux.HandleFunc("POST /publish", w.obeyPublish)
	mux.HandleFunc("POST /change", w.obeyChange)
	return mux
}

func (w *world) tell(rw http.ResponseWriter, _ *http.Request) {
	f := figures.Figures{Wakes: w.wakes.Load(), Stirred: w.stirred.Load(), Touches: w.touches.Load(), Dials: w.dials.most.Swap(0)}
	f.Read()
	f.Serve(rw)
}

// obeyPublish publishes a key, or with a number n the keys KEY-0 to KEY-(n-1).
func (w *world) obeyPublish(_ http.ResponseWriter, r *http.Request) {
	key, address := r.FormValue("key"), r.FormValue("address")
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil {
		w.publish(key, address)
		return
	}
	for i := range n {
		w.publish(key+"-"+strconv.Itoa(i), address)
	}
}

// others is how many sessions take turns to change.
const others = 100

// obeyChange changes other sessions at a rate for some seconds: each is published, and in its next turn unpublished.
func (w *world) obeyChange(rw http.ResponseWriter, r *http.Request) {
	rate, err := strconv.Atoi(r.FormValue("rate"))
	seconds, err2 := strconv.Atoi(r.FormValue("seconds"))
	if err != nil || err2 != nil || rate < 1 {
		http.Error(rw, "rate and seconds are numbers", http.StatusBadRequest)
		return
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range rate * seconds {
		<-tick.C
		w.change("other-"+strconv.Itoa(i%others), i/others%2 == 1)
	}
}

// change publishes a session, or unpublishes it because nobody wants it.
func (w *world) change(key string, away bool) {
	id := idOf(key)
	v := w.view(id, directory.Pod{UID: "pod-of-" + key, Address: "127.0.0.1", Port: 1})
	if away {
		v.State, v.Pod, v.Unwanted = directory.Unreachable, directory.Pod{}, true
	}
	w.Apply(id, v)
}
