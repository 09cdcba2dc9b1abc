package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// write is a request that changes something, or tried to.
type write struct {
	user     string
	verb     string
	resource string // with its subresource, as in pods/status
	name     string
	code     int32
	at       time.Time // the API server got it
}

// auditLog is the API server's audit log, from some point on.
type auditLog struct {
	file  *os.File
	start int64
}

// openLog opens the log at its end.
func openLog(path string) (*auditLog, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	start, err := file.Seek(0, io.SeekEnd)
	return &auditLog{file, start}, err
}

func (l *auditLog) close() { _ = l.file.Close() }

// writes are those to our namespace since the log was opened, in the order in which they were answered.
func (l *auditLog) writes() ([]write, error) {
	now, err := os.Stat(l.file.Name())
	if err != nil {
		return nil, fmt.Errorf("look at the audit log: %w", err)
	}
	opened, err := l.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the audit log: %w", err)
	}
	if !os.SameFile(now, opened) {
		return nil, errors.New("the audit log was rotated meanwhile: try again")
	}
	if _, err := l.file.Seek(l.start, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	text, err := io.ReadAll(l.file)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return parse(text)
}

// entry is what is read of a line of the log.
type entry struct {
	Stage      string
	RequestURI string
	Verb       string
	User       struct{ Username string }
	ObjectRef  struct {
		Namespace, Resource, Subresource, Name string
	}
	ResponseStatus           struct{ Code int32 }
	RequestReceivedTimestamp time.Time
}

func parse(text []byte) (writes []write, err error) {
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read a line of the audit log: %w", err)
		}
		if e.changes() {
			writes = append(writes, e.write())
		}
	}
	return writes, nil
}

// changes says whether an entry is a write to our namespace that is over. A dry run is none.
func (e *entry) changes() bool {
	if e.Stage != "ResponseComplete" || e.ObjectRef.Namespace != namespace || strings.Contains(e.RequestURI, "dryRun=") {
		return false
	}
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

func (e *entry) write() write {
	resource := e.ObjectRef.Resource
	if e.ObjectRef.Subresource != "" {
		resource += "/" + e.ObjectRef.Subresource
	}
	return write{
		user: short(e.User.Username), verb: e.Verb, resource: resource,
		name: e.ObjectRef.Name, code: e.ResponseStatus.Code, at: e.RequestReceivedTimestamp,
	}
}

// Who writes, in short.
const (
	operator = "operator"
	gateways = "gateway"
	kubelet  = "kubelet"
)

// short is a user's name in a word.
func short(user string) string {
	switch {
	case strings.HasPrefix(user, "system:node:"):
		return kubelet
	case strings.HasPrefix(user, "system:serviceaccount:"+system+":"):
		return strings.TrimPrefix(user, "system:serviceaccount:"+system+":dormouse-")
	}
	return user[strings.LastIndex(user, ":")+1:]
}

func (w write) ours() bool { return w.user == operator || w.user == gateways }

// concerns says whether a write is to the Session or the pod of that name, or an event about them.
func (w write) concerns(object string) bool {
	return w.name == object || w.resource == "events" && strings.HasPrefix(w.name, object+".")
}
