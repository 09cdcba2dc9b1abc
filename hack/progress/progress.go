// Package progress tells a person that something goes on.
package progress

import (
	"fmt"
	"time"
)

// Of prints a line for what takes longer than two seconds, and another every ten, until done is called.
func Of(what func() string) (done func()) {
	began := time.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for wait := 2 * time.Second; ; wait = 10 * time.Second {
			select {
			case <-stop:
				return
			case <-time.After(wait):
				fmt.Printf("   ... %s: %.0f s\n", what(), time.Since(began).Seconds())
			}
		}
	}()
	return func() { close(stop); <-stopped }
}
