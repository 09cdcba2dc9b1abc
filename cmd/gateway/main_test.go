package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// The whole life of a gateway, against a real API server: it serves once it has its Lease, wakes a session, and takes its
// Lease back when the last request has ended. The test is the operator, and a server of its own is the pod.
func TestLife(t *testing.T) {
	server, err := apiserver.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	namespace, err := server.Namespace(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig(t, server.Config))
	must(t, server.Client.Create(t.Context(), chess(namespace)))
	arrived, release := make(chan struct{}), make(chan struct{})
	pod := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		fmt.Fprint(w, "moved")
	}))
	t.Cleanup(pod.Close)

	f := &flags{entrances: entrances{listen: freeAddress(t)}, admin: freeAddress(t), maxStaleness: 30 * time.Second, shutdownDelay: -1, drainTimeout: 20 * time.Second}
	f.pod = cluster.Identity{Instance: "i", Name: "gw", Namespace: namespace, Started: time.Now()}
	ended := make(chan error, 1)
	go func() { ended <- run(f, slog.New(slog.NewTextHandler(io.Discard, nil))) }()
	eventually(t, "ready", func() bool { return get("http://"+f.admin+"/readyz") == "ok\n" })

	followsAWake(t, server.Client, namespace, "http://"+f.listen)

	answer := make(chan string, 1)
	go func() { answer <- get("http://" + f.listen + "/chess/alice/") }()
	publish(t, server.Client, namespace, pod.Listener.Addr().(*net.TCPAddr))
	<-arrived
	must(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	select {
	case err := <-ended:
		t.Fatalf("ended with a request in flight: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	must(t, server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "gw"}, &coordinationv1.Lease{}))
	close(release)
	if got := <-answer; got != "moved" {
		t.Errorf("the request in flight was answered %q", got)
	}
	must(t, <-ended)
	if err := server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "gw"}, &coordinationv1.Lease{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Lease after the end: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never %s", what)
}

func get(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, _ := io.ReadAll(r.Body)
	return string(body)
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func chess(namespace string) *v1alpha1.SessionTemplate {
	return &v1alpha1.SessionTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess"},
		Spec: v1alpha1.SessionTemplateSpec{
			Key:      v1alpha1.KeySpec{OnMissing: v1alpha1.MissingCreate},
			Routes:   []v1alpha1.Route{{Path: "/chess/{key}/"}},
			Port:     intstr.FromInt32(80),
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main"}}}},
		},
	}
}

// publish waits for the Session that the request brings about, and publishes it as the operator does.
func publish(t *testing.T, c client.Client, namespace string, at *net.TCPAddr) {
	s := &v1alpha1.Session{}
	eventually(t, "created", func() bool {
		return c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "chess.alice"}, s) == nil
	})
	s.Status.Phase, s.Status.Epoch = v1alpha1.PhaseAwake, 1
	port, err := strconv.ParseInt(strconv.Itoa(at.Port), 10, 32)
	must(t, err)
	s.Status.Endpoint = &v1alpha1.Endpoint{UID: "pod", Address: at.IP.String(), Port: int32(port)}
	must(t, c.Status().Update(t.Context(), s))
}

func kubeconfig(t *testing.T, c *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: c.Host, CertificateAuthorityData: c.CAData}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificateData: c.CertData, ClientKeyData: c.KeyData}
	config.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "x"
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}
