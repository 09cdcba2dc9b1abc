//go:build linux

package swarm

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// look is what there is when nothing goes on.
type look struct {
	objects   map[string]int // in the API server, of each resource
	processes map[string]vitals
}

// vitals are what a process holds.
type vitals struct {
	heap       int64 // bytes that live after a collection
	goroutines int
	series     map[string]bool
}

// look looks at all that there is. It must be still: what comes and goes meanwhile is in it or not.
func (r *run) look() look {
	l := look{objects: r.objects(), processes: map[string]vitals{}}
	for _, g := range r.gateways {
		g.client.CloseIdleConnections()
		l.processes[g.name] = r.vitals(g.admin, func() int64 { return r.heapOf(g) })
	}
	for _, o := range r.operators {
		l.processes[o.name] = r.vitals(o.admin, func() int64 { return r.liveOf(o) })
	}
	return l
}

// objects counts all objects that the API server has, of whatever resource.
func (r *run) objects() map[string]int {
	all := map[string]int{}
	lists, err := r.kubelet.api.Discovery().ServerPreferredResources()
	if err != nil {
		r.fault("ask for the resources there are: %v", err)
	}
	for _, l := range lists {
		version, _ := schema.ParseGroupVersion(l.GroupVersion)
		for i := range l.APIResources {
			resource := &l.APIResources[i]
			if !slices.Contains(resource.Verbs, "list") || resource.Name == "componentstatuses" { // which are no objects
				continue
			}
			var objects metav1.PartialObjectMetadataList
			objects.SetGroupVersionKind(version.WithKind(resource.Kind + "List"))
			r.must("list "+resource.Name, func() error { return r.api.List(r.ctx, &objects) })
			if n := len(objects.Items); n > 0 {
				all[resource.Name+"."+version.Group] = n
			}
		}
	}
	return all
}

// vitals asks an admin port.
func (r *run) vitals(admin int, heap func() int64) vitals {
	v := vitals{heap: heap(), series: map[string]bool{}}
	for series, value := range r.metrics(admin) {
		v.series[series] = true
		if series == "go_goroutines" {
			v.goroutines = int(value)
		}
	}
	return v
}

// metrics are the series of a process.
func (r *run) metrics(admin int) map[string]float64 {
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(r.page(admin, "/metrics"))); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if strings.HasPrefix(lines.Text(), "#") || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(lines.Text()[at+1:], 64)
		if err != nil {
			r.fault("metrics: %q: %v", lines.Text(), err)
		}
		all[lines.Text()[:at]] = value
	}
	return all
}

func (r *run) page(admin int, path string) string {
	answer, err := http.Get("http://" + local(admin) + path)
	if err != nil {
		r.fault("%v", err)
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.fault("%v", err)
	}
	return string(body)
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)

// heapOf is what lives on a gateway's heap after a collection: the least of some, since what lies in a sync.Pool outlives one.
func (r *run) heapOf(g *gateway) int64 {
	var least int64
	for range 4 {
		match := heapAlloc.FindStringSubmatch(r.page(g.admin, "/debug/pprof/heap?gc=1&debug=1"))
		if match == nil {
			r.fault("the profile of %s says no HeapAlloc", g.name)
			return 0
		}
		n, _ := strconv.ParseInt(match[1], 10, 64) // the pattern has digits only
		if least == 0 || n < least {
			least = n
		}
	}
	return least
}

// liveHeap is what the last collection has found to live.
const liveHeap = "go_gc_heap_live_bytes"

// liveOf is what the last collection has found to live on an operator's heap. It cannot be told to collect: each look at its metrics
// leaves garbage, so it is looked at until it has collected twice.
func (r *run) liveOf(o *operator) int64 {
	const cycles = "go_gc_cycles_total_gc_cycles_total"
	first := r.metrics(o.admin)[cycles]
	for r.ctx.Err() == nil {
		if now := r.metrics(o.admin); now[cycles] >= first+2 {
			return int64(now[liveHeap])
		}
	}
	return 0
}

func (l look) String() string {
	var text strings.Builder
	for _, name := range sortedNames(l.processes) {
		v := l.processes[name]
		fmt.Fprintf(&text, "%12s: heap %6.2f MiB, %4d goroutines, %5d series\n", name, float64(v.heap)/(1<<20), v.goroutines, len(v.series))
	}
	fmt.Fprintf(&text, "%12s: %v", "objects", l.objects)
	return text.String()
}

// since says what is other than it was.
func (l look) since(first look) string {
	var text strings.Builder
	for _, name := range sortedNames(l.processes) {
		v, w := l.processes[name], first.processes[name]
		fmt.Fprintf(&text, "%12s: heap %+6.2f MiB, %+4d goroutines, %+5d series\n", name, float64(v.heap-w.heap)/(1<<20), v.goroutines-w.goroutines, len(v.series)-len(w.series))
		for _, s := range sortedNames(v.series) {
			if !w.series[s] {
				fmt.Fprintf(&text, "%12s  new: %s\n", "", s)
			}
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// effort is for how long processes have been on a processor.
type effort map[string]time.Duration

// effort asks the kernel, of all processes of the run but this one.
func (r *run) effort() effort {
	all := effort{}
	programs := []*program{r.plane.etcd, r.plane.server}
	for _, g := range r.gateways {
		programs = append(programs, g.program)
	}
	for _, o := range r.operators {
		programs = append(programs, o.program)
	}
	for _, p := range programs {
		all[p.name] = p.effort()
	}
	return all
}

// each is how much of it was for each of so many keys, in milliseconds.
func (e effort) each(now effort, keys int) string {
	var text []string
	for _, name := range sortedNames(now) {
		text = append(text, fmt.Sprintf("%s %.1f ms", name, float64((now[name]-e[name]).Microseconds())/1000/float64(keys)))
	}
	return strings.Join(text, ", ")
}
