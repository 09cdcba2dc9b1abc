package conformance

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/conformance"
)

// nginxTop begins a configuration of nginx that leaves nothing outside its folder, the first argument.
const nginxTop = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
`

// nginxConf is nginx before a gateway as its documentation has it: Host and the client's address are handed on, connections
// upgrade, nothing is buffered.
const nginxConf = nginxTop + `  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  server {
    listen %[2]s;
    location / {
      proxy_pass http://%[3]s;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
}
`

const haproxyConf = `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
  option forwardfor
frontend clients
  bind %[2]s
  default_backend gateway
backend gateway
  server gateway %[3]s
`

// front runs a proxy before a gateway, and gives its address.
func front(t *testing.T, program, config, gateway string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		t.Skipf("%s is not installed: hack/packages %s", program, program)
	}
	dir := t.TempDir()
	address := ownAddress(t)
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, dir, address, gateway), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(path, append(args, file)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	awaitPort(t, address, ended)
	return address
}

// fronts counts the proxies.
var fronts atomic.Int32

// ownAddress is an address of loopback that no other proxy and no other test has, and a port of it, so that nobody takes that before the proxy does.
func ownAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.7.0.%d:0", fronts.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// awaitPort waits until somebody listens there.
func awaitPort(t *testing.T, address string, ended <-chan struct{}) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatal("the proxy ended")
		case <-tick.C:
		}
	}
	t.Fatal("the proxy does not listen")
}

// What nginx does itself, before the gateway sees anything.
var behindNginx = exceptions{
	"connect":           "it refuses the method with 400",
	"trace":             "it refuses the method with a 405 of its own",
	"host-empty":        "it refuses the host with a 400 of its own",
	"host-none-1.0":     "it asks the gateway with HTTP/1.1 and no host, which net/http refuses",
	"absolute-form":     "it makes a path of the target, and hands on the Host that was sent",
	"chunk-malformed":   "it reads chunks itself, and refuses these with a 400 of its own",
	"headers-too-large": "it refuses them with 400",
}

// behindNginxByHost is what it does to a path that leads above its root, where the application has the whole path.
var behindNginxByHost = exceptions{
	"path-dots-above": "it refuses a path that leads above the root",
}

// What haproxy does itself.
var behindHAProxy = exceptions{
	"absolute-form":             "it refuses an authority that is not the Host, with a 400 of its own",
	"fragment":                  "it refuses the target with a 400 of its own",
	"transfer-encoding-unknown": "it refuses it with 400",
	"chunk-malformed":           "it reads chunks itself, and refuses these with a 400 of its own",
	"headers-too-large":         "it refuses them with 400",
	"upgrade-two":               "it takes it for a WebSocket without a key, and refuses it with 400",
}

// What the gateway refuses stays refused behind nginx and haproxy, and what it carries is carried, but for what they do themselves.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	l := start(t, conformance.Echo)
	address := front(t, "nginx", nginxConf, l.Addr().String(), nginxArgs...)
	t.Run("by host", func(t *testing.T) { judge(t, byHost(t, address), behindNginx, behindNginxByHost) })
	t.Run("by path", func(t *testing.T) { judge(t, byPath(t, address), behindNginx) })
}

func TestBehindHAProxy(t *testing.T) {
	t.Parallel()
	l := start(t, conformance.Echo)
	address := front(t, "haproxy", haproxyConf, l.Addr().String(), haproxyArgs...)
	t.Run("by host", func(t *testing.T) { judge(t, byHost(t, address), behindHAProxy) })
	t.Run("by path", func(t *testing.T) { judge(t, byPath(t, address), behindHAProxy) })
}
