package gateway_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// grpcPod is a server of gRPC's interoperability tests.
func grpcPod(t *testing.T) (addr string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(s, interop.NewTestServer())
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return l.Addr().String(), s.Stop
}

// call opens a gRPC connection to the session of a key.
func (w *world) call(k string, creds credentials.TransportCredentials) *grpc.ClientConn {
	w.t.Helper()
	at := w.addr
	if creds.Info().SecurityProtocol == "tls" {
		at = w.secure
	}
	conn, err := grpc.NewClient("passthrough:///"+at, grpc.WithTransportCredentials(creds), grpc.WithAuthority(k+".chess.test"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// The client of gRPC's interoperability tests, all cases without credentials. Each is the first request for a session that sleeps.
func TestGRPCInterop(t *testing.T) {
	cases := map[string]func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption){
		"empty-unary":                 interop.DoEmptyUnaryCall,
		"large-unary":                 interop.DoLargeUnaryCall,
		"client-streaming":            interop.DoClientStreaming,
		"server-streaming":            interop.DoServerStreaming,
		"ping-pong":                   interop.DoPingPong,
		"empty-stream":                interop.DoEmptyStream,
		"timeout-on-sleeping-server":  interop.DoTimeoutOnSleepingServer,
		"cancel-after-begin":          interop.DoCancelAfterBegin,
		"cancel-after-first-response": interop.DoCancelAfterFirstResponse,
		"custom-metadata":             interop.DoCustomMetadata,
		"status-code-and-message":     interop.DoStatusCodeAndMessage,
		"special-status-message":      interop.DoSpecialStatusMessage,
	}
	cert, pool := selfSigned(t, "*.chess.test")
	for name, creds := range map[string]credentials.TransportCredentials{
		"h2c": insecure.NewCredentials(),
		"TLS": credentials.NewTLS(&tls.Config{RootCAs: pool}),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, chess(), secured(t, cert))
			pod, _ := grpcPod(t)
			w.wakeBy(func(_ context.Context, wish directory.Wish) error {
				w.publishAs(true, wish.Key, "pod-"+wish.Key, pod, 1)
				return nil
			})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for name, do := range cases {
				do(ctx, testgrpc.NewTestServiceClient(w.call(name, creds))) // it ends the process where it fails
			}
			interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(w.call("unimplemented-service", creds)))
			interop.DoUnimplementedMethod(ctx, w.call("unimplemented-method", creds))
			if n := w.wakes.Load(); n < int64(len(cases))+1 { // whoever cancels at once may never have come
				t.Errorf("%d wakes", n)
			}
		})
	}
}

// A client calls on over one connection while the session sleeps and wakes, each time as another pod: no call fails.
func TestGRPCOverFiftySleeps(t *testing.T) {
	w := newWorld(t, chess())
	var epoch int64
	var stop func()
	w.wakeBy(func(context.Context, directory.Wish) error {
		var pod string
		epoch++
		pod, stop = grpcPod(t)
		w.publishAs(true, "a", fmt.Sprint("pod-", epoch), pod, epoch)
		return nil
	})
	c := testgrpc.NewTestServiceClient(w.call("a", insecure.NewCredentials()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 50 {
		interop.DoEmptyUnaryCall(ctx, c)
		interop.DoLargeUnaryCall(ctx, c)
		interop.DoPingPong(ctx, c)
		w.unpublish("a", epoch, false)
		w.gateway.Forget(fmt.Sprint("pod-", epoch))
		stop()
	}
	if epoch != 50 {
		t.Errorf("slept %d times", epoch)
	}
}

// bed is the session of key a, of gRPC, which sleeps and wakes.
type bed struct {
	*world
	mu    sync.Mutex // held by who puts it to sleep, or wakes it
	epoch int64
	stop  func() // nil: asleep
}

func (b *bed) wake(context.Context, directory.Wish) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		var pod string
		b.epoch++
		pod, b.stop = grpcPod(b.t.(*testing.T))
		b.publishAs(true, "a", fmt.Sprint("pod-", b.epoch), pod, b.epoch)
	}
	return nil
}

// sleep puts it to sleep when the calls are over that are under way. Those that come meanwhile wait for the next pod.
func (b *bed) sleep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop == nil {
		return
	}
	b.unpublish("a", b.epoch, false)
	b.until("vouched for", func() bool { return b.dir.Unsettled() == 0 })
	b.gateway.Forget(fmt.Sprint("pod-", b.epoch))
	b.stop()
	b.stop = nil
	b.dir.Apply(id("a"), directory.View{Version: b.version.Add(1)})
}

// 000-02, 000-11: the soak test of gRPC's interoperability client, rpc_soak, by four workers over one connection, each call 271,828 bytes up and
// 314,159 down, while the session sleeps more than fifty times: no call fails. It ends the process where one does.
func TestGRPCSoakOverFiftySleeps(t *testing.T) {
	if speaks.h2c {
		t.Skip("once is enough")
	}
	const sleeps, every, workers = 50, 8, 4
	b := &bed{world: newWorld(t, chess())}
	b.wakeBy(b.wake)
	conn := b.call("a", insecure.NewCredentials())
	var calls atomic.Int64
	interop.DoSoakTest(t.Context(), interop.SoakTestConfig{
		RequestSize: 271828, ResponseSize: 314159, PerIterationMaxAcceptableLatency: time.Minute, OverallTimeout: 5 * time.Minute,
		ServerAddr: b.addr, NumWorkers: workers, Iterations: (sleeps + 2) * every, MaxFailures: 0,
		ChannelForTest: func() (*grpc.ClientConn, func()) { // which each worker asks for before each call
			if calls.Add(1)%every == 0 {
				b.sleep()
			}
			return conn, func() {}
		},
	})
	if b.epoch <= sleeps {
		t.Errorf("slept %d times", b.epoch-1)
	}
	t.Logf("%d calls over %d pods", calls.Load(), b.epoch)
}

// What the gateway answers itself, gRPC clients understand.
func TestGRPCAnswers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		refusal  directory.Refusal
		code     codes.Code
		reason   answer.Reason
		pushback string
	}{
		{"unknown key", directory.Refusal{Kind: directory.NotFound}, codes.NotFound, answer.ReasonNotFound, ""},
		{"completed", directory.Refusal{Kind: directory.Gone}, codes.FailedPrecondition, answer.ReasonGone, ""},
		{
			"start failed",
			directory.Refusal{Kind: directory.StartFailed, Message: "exit code 1: 100 % 日", RetryAfter: 1500 * time.Millisecond},
			codes.Unavailable, answer.ReasonStartFailed, "1500",
		},
		{"limit", directory.Refusal{Kind: directory.LimitReached, Reason: "limits.awake"}, codes.ResourceExhausted, answer.ReasonLimitReached, ""},
		{"too fast", directory.Refusal{Kind: directory.TooFast, RetryAfter: time.Second}, codes.ResourceExhausted, answer.ReasonLimitReached, "1000"},
		{"API server down", directory.Refusal{Kind: directory.Unavailable}, codes.Unavailable, answer.ReasonUnavailable, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, chess())
			w.wakeBy(func(context.Context, directory.Wish) error { return &tt.refusal })
			var trailer metadata.MD
			_, err := testgrpc.NewTestServiceClient(w.call("a", insecure.NewCredentials())).EmptyCall(t.Context(), &testgrpc.Empty{}, grpc.Trailer(&trailer))
			if status.Code(err) != tt.code || !strings.Contains(err.Error(), tt.refusal.Message) {
				t.Errorf("got %v, want %v %q", err, tt.code, tt.refusal.Message)
			}
			pushback := strings.Join(trailer.Get("grpc-retry-pushback-ms"), ",")
			if reason := strings.Join(trailer.Get("dormouse-reason"), ","); reason != string(tt.reason) || pushback != tt.pushback {
				t.Errorf("got reason %q and pushback %q, want %q and %q", reason, pushback, tt.reason, tt.pushback)
			}
		})
	}
}

// A request is held no longer than its client waits, and the pod is told what is left of that time.
func TestGRPCTimeoutBoundsTheWake(t *testing.T) {
	w := newWorld(t, chess())
	ask := func(k, timeout string) (*http.Response, string) {
		r := w.request("POST", k, "/s/m", nil)
		r.Header.Set("Content-Type", "application/grpc+proto")
		r.Header.Set("Grpc-Timeout", timeout)
		return w.do(r)
	}
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error { <-ctx.Done(); return ctx.Err() })
	res, _ := ask("a", "50m")
	if h := res.Header; res.StatusCode != 200 || h.Get("Grpc-Status") != "4" || h.Get("Dormouse-Reason") != "WakeTimeout" || h.Get("Content-Type") != "application/grpc+proto" {
		t.Errorf("got %s %v", res.Status, h)
	}
	pod := newPod(t, func(rw http.ResponseWriter, r *http.Request) { rw.Header().Set("X-Left", r.Header.Get("Grpc-Timeout")) })
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		time.Sleep(10 * time.Millisecond) // the wake
		w.publish(wish.Key, "pod", pod, 1)
		return nil
	})
	res, _ = ask("b", "5S")
	left, err := time.ParseDuration(strings.Replace(res.Header.Get("X-Left"), "u", "us", 1))
	if err != nil || left > 5*time.Second-10*time.Millisecond || left < 4*time.Second {
		t.Errorf("the pod has %q, %v", res.Header.Get("X-Left"), err)
	}
	if res, _ = ask("b", "5S"); res.Header.Get("X-Left") != "5S" {
		t.Errorf("without a wake the pod has %q", res.Header.Get("X-Left"))
	}
}

// A stream on which nobody says anything is not cut off, as a body that comes too slowly is.
func TestGRPCSilence(t *testing.T) {
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 30 * time.Millisecond })
	pod, _ := grpcPod(t)
	w.publishAs(true, "a", "pod-a", pod, 1)
	s, err := testgrpc.NewTestServiceClient(w.call("a", insecure.NewCredentials())).FullDuplexCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		time.Sleep(100 * time.Millisecond) // says nothing
		if err := s.Send(&testgrpc.StreamingOutputCallRequest{ResponseParameters: []*testgrpc.ResponseParameters{{Size: 7}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
	}
}

// The Session API speaks no gRPC: who says that he does is cut off there all the same.
func TestGRPCSilenceIsForSessions(t *testing.T) {
	read := make(chan error, 1)
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) {
		g.Stall = 30 * time.Millisecond
		g.API = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			read <- err
		})
	})
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	silent, end := io.Pipe()
	defer func() { _ = end.Close() }()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+w.addr+gateway.APIPath+"x", silent)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc")
	if res, err := (&http.Transport{Protocols: protocols}).RoundTrip(r); err == nil {
		_ = res.Body.Close()
	}
	if err := <-read; err == nil {
		t.Error("the body ended well")
	}
}
