package gateway

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

const placeholder = "{key}"

// Table is all templates that have routes. The zero value has none. It is safe for concurrent use.
type Table struct {
	index atomic.Pointer[index]
}

// Set replaces the templates. Where two of them match a request, the earlier one gets it: give the older first.
func (t *Table) Set(templates []Template) {
	ix := &index{
		hosts:   map[hostRule]*candidate{},
		paths:   map[string]*candidate{},
		headers: map[string]*candidate{},
	}
	for _, tmpl := range templates {
		for _, r := range tmpl.Routes {
			ix.add(&tmpl, r)
		}
	}
	t.index.Store(ix)
}

// index finds templates without trying one after the other. It is never changed once it is in a Table.
type index struct {
	hosts     map[hostRule]*candidate
	hostDepth []int // how many labels stand before {key}, of any rule
	paths     map[string]*candidate
	pathDepth int // how many slashes the longest prefix has
	headers   map[string]*candidate
	next      int
}

// hostRule is what stands before and behind {key} in a host name, dots included.
type hostRule struct{ before, behind string }

// candidate is a route that a request may match. The lowest order wins.
type candidate struct {
	template *Template
	route    Route
	order    int
}

// match is where a request goes, and what a route took from it, not yet decoded.
type match struct {
	*candidate
	key    string
	prefix string // of a path route: what the pod does not see
	path   string // of the application; empty if the path ended with the key
	coded  bool   // whether the key is percent-encoded
	header string // of a header route: its name
}

func (ix *index) add(t *Template, r Route) {
	c := &candidate{template: t, route: r, order: ix.next}
	ix.next++
	switch {
	case r.Host != "":
		before, behind, _ := strings.Cut(strings.ToLower(r.Host), placeholder)
		keep(ix.hosts, hostRule{before, behind}, c)
		if depth := strings.Count(before, "."); !slices.Contains(ix.hostDepth, depth) {
			ix.hostDepth = append(ix.hostDepth, depth)
		}
	case r.Path != "":
		prefix, _, _ := strings.Cut(r.Path, placeholder)
		keep(ix.paths, prefix, c)
		ix.pathDepth = max(ix.pathDepth, strings.Count(prefix, "/"))
	case r.Header != "":
		keep(ix.headers, http.CanonicalHeaderKey(r.Header), c)
	}
}

// keep leaves what is there: it came earlier.
func keep[K comparable](m map[K]*candidate, k K, c *candidate) {
	if _, ok := m[k]; !ok {
		m[k] = c
	}
}

// find gives the match with the lowest order.
func (ix *index) find(host, path string, h http.Header) (match, bool) {
	var best match
	for _, depth := range ix.hostDepth {
		best.take(ix.byHost(host, path, depth))
	}
	for i, depth := 0, 0; depth < ix.pathDepth && i < len(path); i++ {
		if path[i] == '/' {
			depth++
			best.take(ix.byPath(path, i+1))
		}
	}
	for name, c := range ix.headers {
		if values := h[name]; len(values) > 0 && values[0] != "" {
			best.take(match{candidate: c, key: values[0], path: path, header: name})
		}
	}
	return best, best.candidate != nil
}

func (m *match) take(other match) {
	if other.candidate != nil && (m.candidate == nil || other.order < m.order) {
		*m = other
	}
}

// byHost tries the label of the host that has depth labels before it.
func (ix *index) byHost(host, path string, depth int) match {
	start := 0
	for range depth {
		dot := strings.IndexByte(host[start:], '.')
		if dot < 0 {
			return match{}
		}
		start += dot + 1
	}
	label, _, _ := strings.Cut(host[start:], ".")
	c := ix.hosts[hostRule{host[:start], host[start+len(label):]}]
	return match{candidate: c, key: label, path: path}
}

// byPath tries the segment of the path that starts at from.
func (ix *index) byPath(path string, from int) match {
	c := ix.paths[path[:from]]
	segment, _, _ := strings.Cut(path[from:], "/")
	if c == nil || segment == "" {
		return match{}
	}
	end := from + len(segment)
	return match{candidate: c, key: segment, prefix: path[:end], path: path[end:], coded: true}
}
