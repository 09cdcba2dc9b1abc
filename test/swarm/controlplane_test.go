//go:build linux

package swarm

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	assets "github.com/dormouse-dev/dormouse/hack/envtest"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// token lets everybody do everything: what each may do is tried elsewhere.
const token = "swarm"

// controlPlane is an etcd and a kube-apiserver that live through kills: their ports and their data stay.
type controlPlane struct {
	etcd, server *program
	port         int
	http         *http.Client
}

// openControlPlane starts them and installs the CRDs.
func openControlPlane(t *testing.T, dir string, ended func(name string) func(error), serverFlags ...string) *controlPlane {
	t.Helper()
	binaries, err := assets.Assets()
	if err != nil {
		t.Fatal(err)
	}
	store := freePort(t)
	c := &controlPlane{port: freePort(t), http: &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}}
	c.etcd = &program{
		name: "etcd", path: filepath.Join(binaries, "etcd"), rest: 100 * time.Millisecond, ended: ended("etcd"),
		args: []string{
			"--data-dir=" + filepath.Join(dir, "etcd"), "--log-level=warn",
			"--listen-client-urls=http://" + local(store), "--advertise-client-urls=http://" + local(store),
			"--listen-peer-urls=http://127.0.0.1:0",
			"--unsafe-no-fsync", // a process is killed here, not a machine
		},
	}
	c.server = &program{
		name: "kube-apiserver", path: filepath.Join(binaries, "kube-apiserver"), rest: 100 * time.Millisecond, ended: ended("kube-apiserver"),
		args: append(c.files(t, dir),
			"--etcd-servers=http://"+local(store), "--etcd-prefix=/swarm",
			"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.port),
			"--service-cluster-ip-range=10.0.0.0/24", "--service-account-issuer=https://swarm",
			"--authorization-mode=AlwaysAllow", "--disable-admission-plugins=ServiceAccount", // nobody makes accounts here
			"--endpoint-reconciler-type=none"), // which wants no loopback
	}
	c.server.args = append(c.server.args, serverFlags...)
	c.etcd.start(t, dir)
	c.server.start(t, dir)
	if !c.up(t.Context(), 2*time.Minute) {
		t.Fatal("the API server is not ready")
	}
	options := envtest.CRDInstallOptions{Paths: []string{filepath.Join(apiserver.Root(), "config/crd")}, ErrorIfPathMissing: true}
	if _, err := envtest.InstallCRDs(c.config(), options); err != nil {
		t.Fatal(err)
	}
	return c
}

// files writes what the API server wants to have in files, and gives the flags that say where.
func (c *controlPlane) files(t *testing.T, dir string) []string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	accounts, tokens := filepath.Join(dir, "accounts.pem"), filepath.Join(dir, "tokens.csv")
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for name, text := range map[string][]byte{accounts: block, tokens: []byte(token + `,swarm,swarm,"system:masters"` + "\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"--service-account-key-file=" + accounts, "--service-account-signing-key-file=" + accounts,
		"--token-auth-file=" + tokens, "--cert-dir=" + filepath.Join(dir, "certificates"),
	}
}

// kubeconfig is a file for a client of the API server itself.
func (c *controlPlane) kubeconfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: swarm, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: swarm, user: {token: %s}}]
contexts: [{name: swarm, context: {cluster: swarm, user: swarm}}]
current-context: swarm
`, local(c.port), token)
}

func (c *controlPlane) config() *rest.Config {
	return &rest.Config{
		Host: "https://" + local(c.port), BearerToken: token, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, WarningHandler: rest.NoWarnings{},
	}
}

// up waits until the API server says that it is ready.
func (c *controlPlane) up(ctx context.Context, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for ctx.Err() == nil {
		if c.ready(ctx) {
			return true
		}
		time.Sleep(50 * time.Millisecond)
	}
	return false
}

func (c *controlPlane) ready(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+local(c.port)+"/readyz", nil)
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.http.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
