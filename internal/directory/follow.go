package directory

// Delay is why a session that is on its way is not there yet.
type Delay struct {
	Reason string // one word, such as Unschedulable; empty: not known
	For    string // what it waits for, for a person
}

// Look is what is known now, and what is closed at the next view. A Waiter of nobody knows nothing.
func (w *Waiter) Look() (View, <-chan struct{}) {
	v, changed := w.look()
	return *v, changed
}
