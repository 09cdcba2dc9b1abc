package resolve

import (
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

const placeholder = "{key}"

// Table is all templates that have routes. The zero value has none. It is safe for concurrent use.
type Table struct {
	// Proxies are those that end TLS. Set it before the first request.
	Proxies front.Proxies
	// Now is the clock by which tokens expire. Set it before the first request where a route has a claim.
	Now func() time.Time

	index atomic.Pointer[index]
}

// Set replaces the templates. Where two of them match a request, the earlier one gets it: give the older first.
func (t *Table) Set(templates []Template) {
	ix := &index{
		hosts:   map[hostRule]*candidate{},
		paths:   map[string]*candidate{},
		headers: map[string]*candidate{},
		cookies: map[string]*candidate{},
		queries: map[string]*candidate{},
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
	hostShape []hostShape // each that any rule has
	paths     map[string]*candidate
	pathDepth int // how many slashes the longest prefix has
	headers   map[string]*candidate
	cookies   map[string]*candidate
	queries   map[string]*candidate
	claims    []*candidate    // in order
	wanted    []access.Wanted // by them
	next      int
}

// hostRule is what stands before and behind {key} in a host name, dots included.
type hostRule struct{ before, behind string }

// hostShape is where in a host name the key is: how many labels stand before that of the key, and how many characters before
// and behind the key in its label. A host has one key of a shape at most, whatever the templates are.
type hostShape struct{ depth, head, tail int }

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
	place  place  // where the key was
	twice  bool   // whether it was there more than once
}

// place is the part of a request that has the key. How a key is written depends on it.
type place int

const (
	inHost place = iota
	inPath
	inHeader
	inCookie
	inQuery
	inClaim
)

func (ix *index) add(t *Template, r Route) {
	c := &candidate{template: t, route: r, order: ix.next}
	ix.next++
	switch {
	case r.Host != "":
		before, behind, _ := strings.Cut(strings.ToLower(r.Host), placeholder)
		keep(ix.hosts, hostRule{before, behind}, c)
		if shape := shapeOf(before, behind); !slices.Contains(ix.hostShape, shape) {
			ix.hostShape = append(ix.hostShape, shape)
		}
	case r.Path != "":
		prefix, _, _ := strings.Cut(r.Path, placeholder)
		keep(ix.paths, prefix, c)
		ix.pathDepth = max(ix.pathDepth, strings.Count(prefix, "/"))
	case r.Header != "":
		keep(ix.headers, http.CanonicalHeaderKey(r.Header), c)
	case r.Cookie != "":
		keep(ix.cookies, r.Cookie, c)
	case r.Query != "":
		keep(ix.queries, r.Query, c)
	case r.Claim != "":
		ix.claims = append(ix.claims, c)
		ix.wanted = append(ix.wanted, access.Wanted{Policy: t.Access, Claim: r.Claim})
	}
}

func shapeOf(before, behind string) hostShape {
	label, _, _ := strings.Cut(behind, ".")
	return hostShape{
		depth: strings.Count(before, "."),
		head:  len(before) - (strings.LastIndexByte(before, '.') + 1),
		tail:  len(label),
	}
}

// keep leaves what is there: it came earlier.
func keep[K comparable](m map[K]*candidate, k K, c *candidate) {
	if _, ok := m[k]; !ok {
		m[k] = c
	}
}

// find gives the match with the lowest order.
func (ix *index) find(r *http.Request, host, path string) (match, bool) {
	var best match
	for _, shape := range ix.hostShape {
		best.take(ix.byHost(host, path, shape))
	}
	for i, depth := 0, 0; depth < ix.pathDepth && i < len(path); i++ {
		if path[i] == '/' {
			depth++
			best.take(ix.byPath(path, i+1))
		}
	}
	for name, c := range ix.headers {
		if values := r.Header[name]; len(values) > 0 && values[0] != "" {
			best.take(match{candidate: c, key: values[0], path: path, place: inHeader, twice: len(values) > 1})
		}
	}
	if len(ix.cookies) > 0 {
		best.take(byName(ix.cookies, cookies(r.Header), match{path: path, place: inCookie}))
	}
	if len(ix.queries) > 0 {
		best.take(byName(ix.queries, parameters(r.URL.RawQuery), match{path: path, place: inQuery}))
	}
	return best, best.candidate != nil
}

func (m *match) take(other match) {
	if other.candidate != nil && (m.candidate == nil || other.order < m.order) {
		*m = other
	}
}

// byHost tries the one place of the host that a key of this shape has.
func (ix *index) byHost(host, path string, shape hostShape) match {
	start := 0
	for range shape.depth {
		dot := strings.IndexByte(host[start:], '.')
		if dot < 0 {
			return match{}
		}
		start += dot + 1
	}
	label, _, _ := strings.Cut(host[start:], ".")
	if len(label) <= shape.head+shape.tail {
		return match{}
	}
	from, to := start+shape.head, start+len(label)-shape.tail
	return match{candidate: ix.hosts[hostRule{host[:from], host[to:]}], key: host[from:to], path: path}
}

// byPath tries the segment of the path that starts at from.
func (ix *index) byPath(path string, from int) match {
	c := ix.paths[path[:from]]
	segment, _, _ := strings.Cut(path[from:], "/")
	if c == nil || segment == "" {
		return match{}
	}
	end := from + len(segment)
	return match{candidate: c, key: segment, prefix: path[:end], path: path[end:], place: inPath}
}

// byName tries the pairs of a name and a value that a request has. A name without a value is none, unless it is there twice.
func byName(rules map[string]*candidate, pairs iter.Seq2[string, string], m match) match {
	for name, value := range pairs {
		if c := rules[name]; c != nil && value != "" && (m.candidate == nil || c.order < m.order) {
			m.candidate, m.key = c, value
		}
	}
	seen := 0
	for name := range pairs {
		if m.candidate != nil && rules[name] == m.candidate {
			seen++
		}
	}
	m.twice = seen > 1
	return m
}
