package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/dormouse-dev/dormouse/conformance"
	entrance "github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// nginxGRPCConf is nginx before a gateway, HTTP/2 without TLS on both sides.
const nginxGRPCConf = nginxTop + `  server {
    listen %[2]s http2;
    location / {
      grpc_pass grpc://%[3]s;
      grpc_set_header Host $http_host;
    }
  }
}
`

const haproxyGRPCConf = `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend clients
  bind %[2]s proto h2
  default_backend gateway
backend gateway
  server gateway %[3]s proto h2
`

// haproxyPROXYConf has haproxy say by PROXY protocol version 2, and nothing else, who the client is.
const haproxyPROXYConf = `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
frontend clients
  bind %[2]s
  default_backend gateway
backend gateway
  server gateway %[3]s send-proxy-v2
`

// How the proxies are told to stay in the foreground, and to take their configuration from the file that follows.
var (
	nginxArgs   = []string{"-e", "stderr", "-c"}
	haproxyArgs = []string{"-db", "-q", "-f"}
)

// 004-20: a WebSocket goes through a proxy in front of the gateway as it goes through the gateway alone.
func TestWebSocketBehindAProxy(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, gateway string) string{
		"nginx": func(t *testing.T, gateway string) string { return front(t, "nginx", nginxConf, gateway, nginxArgs...) },
		"haproxy": func(t *testing.T, gateway string) string {
			return front(t, "haproxy", haproxyConf, gateway, haproxyArgs...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, err := websocket.Dial(t.Context(), "ws://"+run(t, start(t, echoes).Addr().String())+"/t/a/", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.CloseNow() }()
			c.SetReadLimit(-1)
			for _, n := range []int{0, 1, 126, 65536, 3 << 20} {
				sent := bytes.Repeat([]byte("x"), n)
				if err := c.Write(t.Context(), websocket.MessageBinary, sent); err != nil {
					t.Fatal(err)
				}
				if _, got, err := c.Read(t.Context()); err != nil || !bytes.Equal(got, sent) {
					t.Fatalf("%d bytes came back as %d: %v", n, len(got), err)
				}
			}
			if err := c.Write(t.Context(), websocket.MessageText, []byte("leave")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != 4001 {
				t.Errorf("the goodbye is %v", err)
			}
		})
	}
}

// echoes sends each message back, but says goodbye at a text.
func echoes(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(-1)
	for {
		kind, p, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if kind == websocket.MessageText {
			_ = c.Close(4001, "checkmate")
			return
		}
		if c.Write(r.Context(), kind, p) != nil {
			return
		}
	}
}

// gRPC's interoperability client, by way of a proxy of HTTP/2 in front of the gateway. It ends the process where a case fails.
func TestGRPCBehindAProxy(t *testing.T) {
	for name, run := range map[string]func(t *testing.T, gateway string) string{
		"nginx": func(t *testing.T, gateway string) string {
			return front(t, "nginx", nginxGRPCConf, gateway, nginxArgs...)
		},
		"haproxy": func(t *testing.T, gateway string) string {
			return front(t, "haproxy", haproxyGRPCConf, gateway, haproxyArgs...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := loopback(t)
			s := grpc.NewServer()
			testgrpc.RegisterTestServiceServer(s, interop.NewTestServer())
			go func() { _ = s.Serve(pod) }()
			t.Cleanup(s.Stop)
			l := startFor(t, place{pod: pod.Addr().String(), h2c: true})
			conn, err := grpc.NewClient("passthrough:///"+run(t, l.Addr().String()), grpc.WithAuthority("a.t.test"),
				grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := testgrpc.NewTestServiceClient(conn)
			for _, do := range []func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption){
				interop.DoEmptyUnaryCall, interop.DoLargeUnaryCall, interop.DoClientStreaming, interop.DoServerStreaming, interop.DoPingPong,
				interop.DoEmptyStream, interop.DoTimeoutOnSleepingServer, interop.DoCancelAfterBegin, interop.DoCancelAfterFirstResponse,
				interop.DoCustomMetadata, interop.DoStatusCodeAndMessage, interop.DoSpecialStatusMessage,
			} {
				do(ctx, c)
			}
			interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(conn))
			interop.DoUnimplementedMethod(ctx, conn)
		})
	}
}

// What haproxy says of a client by the PROXY protocol, version 2, is what the session is told, and no probe ends otherwise for it.
func TestBehindHAProxyWithPROXY(t *testing.T) {
	t.Parallel()
	pod := httptest.NewServer(http.HandlerFunc(conformance.Echo))
	t.Cleanup(func() { pod.CloseClientConnections(); pod.Close() })
	l := startFor(t, place{pod: pod.Listener.Addr().String(), listen: func(l net.Listener) net.Listener {
		return entrance.LimitPerClient(entrance.ProxyProtocol(l, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}), 100, func() {})
	}})
	address := front(t, "haproxy", haproxyPROXYConf, l.Addr().String(), haproxyArgs...)
	judge(t, byHost(t, address), behindHAProxy)
	client := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}
	transport := &http.Transport{DialContext: client.DialContext}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Get("http://" + address + "/t/a/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var seen struct{ Header http.Header }
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil || seen.Header.Get("X-Forwarded-For") != "127.0.0.5" {
		t.Errorf("the session is told %v, %v", seen.Header, err)
	}
}
