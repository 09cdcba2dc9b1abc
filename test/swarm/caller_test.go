//go:build linux

package swarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// patience is how long a client waits for an answer: longer than a wake may take.
const patience = wakeTimeout + 30*time.Second

// op is one request, or one look into the store at the end.
type op struct {
	key       string
	add       int64
	call, ret int64 // since the run began
	sure      bool  // the answer says what became of it; else it may have counted or not, now or later
	answer    answer
}

// problem is an answer of a gateway itself.
type problem struct {
	Reason  string `json:"reason"`
	Cause   string `json:"cause"`
	Detail  string `json:"detail"`
	Outcome string `json:"outcome"`
}

// caller is one client.
type caller struct {
	*run
	rand *rand.Rand
}

// calls sends requests until the load is over: some for one key, one after the other, then for another key.
func (c *caller) calls(ctx context.Context, over <-chan struct{}) {
	for {
		key := c.key()
		for range 1 + c.rand.IntN(5) {
			query, think := c.mood()
			c.call(ctx, key, int64(min(1, c.rand.IntN(4))), query)
			select {
			case <-over:
				return
			case <-ctx.Done():
				return
			case <-time.After(think):
			}
		}
	}
}

// mood is what a request asks of the pod, and how long the client waits after it. Half of them are followed by one that comes while the
// session falls asleep: because its idle time is just over, or because the pod says that it has no need to stay.
func (c *caller) mood() (query string, think time.Duration) {
	query, think = c.delays(), time.Duration(c.rand.Int64N(int64(c.size.think)))
	switch c.rand.IntN(4) {
	case 0:
		think = idleAfter + think
	case 1:
		query += "&idle=0"
	}
	return query, think
}

// key is any, and often one of a few that many want.
func (c *caller) key() string {
	if c.rand.IntN(3) == 0 {
		return c.keys[c.rand.IntN(12)*len(c.keys)/12]
	}
	return c.keys[c.rand.IntN(len(c.keys))]
}

// delays are how long the pod takes before and after it counts: sometimes longer than the session's idle time.
func (c *caller) delays() string {
	most := 20
	if c.rand.IntN(10) == 0 {
		most = 2500
	}
	return fmt.Sprintf("?before=%dms&after=%dms", c.rand.IntN(most), c.rand.IntN(most))
}

// call makes one request, by way of any gateway that takes it.
func (c *caller) call(ctx context.Context, key string, add int64, query string) {
	began := c.now()
	for first := c.rand.IntN(len(c.gateways)); ; first++ {
		g := c.gateways[first%len(c.gateways)]
		if g.leaving.Load() {
			continue
		}
		o := op{key: key, add: add, call: c.now()}
		status, body, err := g.ask(ctx, key, add, query)
		o.ret = c.now()
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			if !c.diary.during(g.name, o.call, o.ret) {
				c.fault("%s takes no connection: %v", g.name, err)
			}
			c.tally.add("turned away by a gateway that was killed, and taken by another", 1)
			if time.Duration(c.now()-began) > patience {
				c.fault("no gateway takes connections")
				return
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		c.heard(g, o, status, body, err)
		return
	}
}

// heard notes what came of a request, and judges it as far as it can be judged alone.
func (c *caller) heard(g *gateway, o op, status int, body []byte, err error) {
	c.tally.add("requests", 1)
	var p problem
	switch {
	case err != nil:
		c.broken(g, o, err)
	case status == http.StatusOK && json.Unmarshal(body, &o.answer) == nil:
		c.served(o)
	case status == http.StatusMisdirectedRequest && json.Unmarshal(body, &o.answer) == nil:
		c.fault("a request for %s, meant for %q, has reached %s by way of %s", o.key, o.answer.Meant, o.answer.identity, g.name)
	case json.Unmarshal(body, &p) == nil && p.Reason != "":
		c.refused(g, o, p)
	default:
		c.fault("%s for %s by way of %s: %d %s", verb(o), o.key, g.name, status, body)
	}
}

func (c *caller) served(o op) {
	if o.answer.Key != o.key {
		c.fault("%s was asked for, and %s has answered", o.key, o.answer.identity)
		return
	}
	o.sure = true
	c.history.add(o)
	c.tally.add("served", 1)
}

// broken is a request without an answer: only a gateway that was killed may do that, or one that ends to a request that came late to its pod.
func (c *caller) broken(g *gateway, o op, err error) {
	if c.diary.lasted("drain of "+g.name, o.call, o.ret) > 19*time.Second && c.late(o) {
		c.history.add(o)
		c.excuse("in flight in a gateway that ended, to the end of its drain: whoever should have made the pod was away")
		return
	}
	if !c.diary.during(g.name, o.call, o.ret) {
		c.fault("%s for %s by way of %s, which was not killed: %v after %v", verb(o), o.key, g.name, err, time.Duration(o.ret-o.call))
		return
	}
	c.history.add(o)
	c.excuse("in flight in a killed gateway")
}

// refused is an answer of a gateway itself.
func (c *caller) refused(g *gateway, o op, p problem) {
	if p.Outcome != "not-sent" {
		c.history.add(o)
	}
	why := c.justify(g, o, p)
	if why == "" {
		c.fault("%s for %s by way of %s was refused after %v without cause: %+v; its pods crashed at %v", verb(o), o.key, g.name,
			time.Duration(o.ret-o.call), p, c.kubelet.crashes.of(o.key))
		return
	}
	c.excuse(p.Reason + ": " + why)
}

// justify is what allows a gateway to refuse a request for a reason; empty: nothing does.
func (c *caller) justify(g *gateway, o op, p problem) string {
	const second = int64(time.Second)
	reason, away := p.Reason, c.away(g.name, o.call-10*second, o.ret)
	word := 5*time.Second + c.away("operator", o.call-60*second, o.ret)
	switch {
	case reason == "PodDied" && c.kubelet.crashes.between(o.key, o.call-second/4, o.ret): // a gateway under load hears late that a connection has ended
		return "the pod crashed meanwhile"
	case reason == "PodUnreachable" && c.kubelet.crashes.between(o.key, o.call-second, o.ret):
		return "the pod crashed meanwhile"
	case reason == "StartFailed" && c.kubelet.crashes.backOff(o.key, o.call, o.ret, word):
		return "the pod crashed soon after its start"
	case reason == "Gone" && c.diary.during("deletion of "+o.key, o.call-10*second, o.ret):
		return "the session was being deleted"
	case p.Cause == "GatewayEnds" && c.late(o):
		return "the gateway ended, and whoever should have made the pod was away"
	case reason == "Unavailable" && away > 5*time.Second, reason == "WakeTimeout" && away > 15*time.Second:
		return "the API server was away, or was made to seem so"
	}
	return ""
}

// late says whether the pod of a request could not be made in time, because whoever makes pods was away.
func (c *caller) late(o op) bool {
	return c.away("operator", o.call-10*int64(time.Second), o.ret) > 5*time.Second
}

// away is for how long a gateway, or the operator that leads, could not work with the API server as it should.
func (r *run) away(who string, from, to int64) time.Duration {
	return r.diary.lasted("API server", from, to) + r.diary.lasted("trouble of "+who, from, to) + r.diary.lasted(who, from, to)
}

func verb(o op) string {
	if o.add > 0 {
		return "a POST"
	}
	return "a GET"
}

// ask sends one request.
func (g *gateway) ask(ctx context.Context, key string, add int64, query string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	method := http.MethodGet
	if add > 0 {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+local(g.port)+"/"+key+"/"+query, nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}
