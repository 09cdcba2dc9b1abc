package gateway_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
)

// protocol is what clients and pods of most tests speak.
type protocol struct {
	name      string
	h2c       bool
	standard  bool // the gateway leaves HTTP/1.1 to net/http
	transport *http.Transport
	pods      sync.Map // addresses of those that speak HTTP/2
}

// speaks is the protocol of this run.
var speaks = &protocol{name: "HTTP/1.1", transport: http.DefaultTransport.(*http.Transport)}

// All tests run three times: clients and pods speak HTTP/1.1 at first, then the same while the gateway leaves that to net/http, and HTTP/2 without
// TLS then. A fuzz target and a benchmark run over the first only.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if os.Getenv("ROADS") == "own" || flag.Lookup("test.bench").Value.String() != "" || flag.Lookup("test.fuzz").Value.String() != "" { // for those who change it
		os.Exit(code)
	}
	speaks = &protocol{name: "HTTP/1.1 by net/http", standard: true, transport: &http.Transport{}}
	fmt.Println("once more, over", speaks.name)
	code = max(code, m.Run())
	speaks = &protocol{name: "h2c", h2c: true}
	speaks.transport = &http.Transport{Protocols: speaks.protocols()}
	fmt.Println("once more, over", speaks.name)
	os.Exit(max(code, m.Run()))
}

func (p *protocol) protocols() *http.Protocols {
	all := &http.Protocols{}
	all.SetHTTP1(!p.h2c)
	all.SetUnencryptedHTTP2(p.h2c)
	return all
}

// note remembers a pod that speaks this protocol, until its address may be another's.
func (p *protocol) note(t testing.TB, addr string) {
	t.Helper()
	if p.h2c {
		p.pods.Store(addr, true)
		t.Cleanup(func() { p.pods.Delete(addr) })
	}
}

// onlyHTTP1 leaves a test out of the second run.
func onlyHTTP1(t *testing.T, why string) {
	t.Helper()
	if speaks.h2c {
		t.Skip(why)
	}
}

func isH2C(addr string) bool {
	_, ok := speaks.pods.Load(addr)
	return ok
}
