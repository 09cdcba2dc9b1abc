package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// moves is how long a machine takes to start, and to go.
const moves = 2 * time.Second

// States of what a token names.
const (
	running   = "running"
	spreading = "spreading" // of a record: not all name servers know it
	known     = "known"     // of a record
	destroyed = "destroyed"
)

// thing is a machine or a record.
type thing struct {
	ID       string    `json:"id"` // empty: it was never made, and never will be
	Server   string    `json:"server"`
	Size     string    `json:"size,omitempty"`     // of a machine
	Packages int       `json:"packages,omitempty"` // of a machine: how many it was configured with
	State    string    `json:"state"`
	Made     time.Time `json:"made"`
}

// cloud is all that it has, by the token that its maker gave it.
type cloud struct {
	mu       sync.Mutex
	machines map[string]*thing
	records  map[string]*thing
	asked    map[string]bool // the tokens that somebody has asked a machine for
	made     int
}

func newCloud() *cloud {
	return &cloud{machines: map[string]*thing{}, records: map[string]*thing{}, asked: map[string]bool{}}
}

// silence is the answer that never comes.
const silence = 0

// machine makes the machine of a token, or finds it, and says with what status to answer.
func (c *cloud) machine(token, server, size string, now time.Time) (m thing, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, w := !c.asked[token], whimOf(server)
	c.asked[token] = true
	found := c.machines[token]
	switch {
	case found != nil && found.State == destroyed:
		return *found, http.StatusGone
	case found != nil:
		return *found, http.StatusOK
	case w.quota && size == "large":
		return m, http.StatusForbidden
	case w.lost && first:
		return m, silence
	}
	c.made++
	m = thing{ID: fmt.Sprintf("m-%d", c.made), Server: server, Size: size, State: running, Made: now}
	c.machines[token] = &m
	if w.mute {
		return m, silence
	}
	return m, http.StatusCreated
}

// configure configures the machine of a token.
func (c *cloud) configure(token string, packages int) (m thing, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.machines[token]
	switch {
	case found == nil:
		return m, http.StatusNotFound
	case found.State == destroyed:
		return m, http.StatusGone
	}
	found.Packages = packages
	return *found, http.StatusOK
}

// record makes the record of a token, or finds it.
func (c *cloud) record(token, server string, now time.Time) (r thing, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := c.records[token]
	switch {
	case found == nil:
		c.made++
		found = &thing{ID: fmt.Sprintf("r-%d", c.made), Server: server, State: spreading, Made: now}
		c.records[token] = found
		return *found, http.StatusCreated
	case found.State == destroyed:
		return *found, http.StatusGone
	}
	return *found, http.StatusOK
}

// look finds what a token names, if it is there.
func (c *cloud) look(all map[string]*thing, token string, now time.Time) (t thing, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := all[token]
	if found == nil || found.State == destroyed {
		return t, http.StatusNotFound
	}
	if found.State == spreading && now.Sub(found.Made) >= whimOf(found.Server).spreads {
		found.State = known
	}
	return *found, http.StatusOK
}

// destroy uses a token up, whether there is something or not, and says whether there was.
func (c *cloud) destroy(all map[string]*thing, token string) (was bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all[token] == nil {
		all[token] = &thing{}
	}
	was = all[token].ID != "" && all[token].State != destroyed
	all[token].State = destroyed
	return was
}

// of lists all that there ever were of a server, the oldest first.
func (c *cloud) of(all map[string]*thing, server string) []thing {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []thing{}
	for _, t := range all {
		if t.ID != "" && t.Server == server {
			list = append(list, *t)
		}
	}
	slices.SortFunc(list, func(a, b thing) int { return cmp.Or(a.Made.Compare(b.Made), cmp.Compare(a.ID, b.ID)) })
	return list
}
