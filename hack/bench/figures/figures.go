// Package figures is what a server under test tells of itself to the benchmark that runs it.
package figures

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
)

// Figures of a process that Go runs. What only our gateway knows is zero for others.
type Figures struct {
	Mallocs uint64 // allocations since the process began
	Memory  uint64 // bytes of heap and stacks in use; of the heap, what is left after a collection

	Wakes   int64 // requests that had to wait for a session, each of which may cost a call to the API server
	Stirred int64 // times that one who waited was called, and its session was not there
	Touches int64 // writes to the API server that the directory asked for
	Dials   int64 // most that were under way at once since the last look
}

// Path is where a server answers with its Figures, on its control listener.
const Path = "/figures"

// Read fills in what the runtime knows, after a collection.
func (f *Figures) Read() {
	runtime.GC()
	runtime.GC() // what the first one found in pools, the second one takes
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f.Mallocs, f.Memory = m.Mallocs, m.HeapAlloc+m.StackInuse
}

// Serve answers with the figures.
func (f Figures) Serve(w http.ResponseWriter) {
	_ = json.NewEncoder(w).Encode(f)
}

// From asks the control listener at an address.
func From(address string) (f Figures, err error) {
	res, err := http.Get("http://" + address + Path)
	if err != nil {
		return f, fmt.Errorf("ask for figures: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&f); err != nil {
		return f, fmt.Errorf("read figures: %w", err)
	}
	return f, nil
}
