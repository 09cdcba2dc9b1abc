// Package alarm wakes sessions without a request: at their alarms, and by their schedules. It touches a session at each due time,
// as a gateway does at a request, and leaves all else to the ring.
package alarm
