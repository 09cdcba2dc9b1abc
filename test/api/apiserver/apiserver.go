// Package apiserver starts a real kube-apiserver and etcd with the CRDs of this repository, for stories that are told of
// the API: test/api and the controllers'.
package apiserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	assets "github.com/dormouse-dev/dormouse/hack/envtest"
)

// Server is a running kube-apiserver with its etcd.
type Server struct {
	Config *rest.Config
	// Client reads and writes without a cache, with the kinds of Kubernetes and of this repository.
	Client client.WithWatch

	env *envtest.Environment
}

// Start starts a server; Stop must be called on it. Admission is as in a cluster: a pod needs its ServiceAccount.
func Start() (*Server, error) {
	binaries, err := assets.Assets()
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: binaries,
		CRDDirectoryPaths:     []string{filepath.Join(Root(), "config/crd")},
		ErrorIfCRDPathMissing: true,
	}
	// envtest switches the ServiceAccount admission off.
	env.ControlPlane.GetAPIServer().Configure().Disable("disable-admission-plugins")
	config, err := env.Start()
	if err != nil {
		return nil, fmt.Errorf("start kube-apiserver and etcd of %s: %w", binaries, err)
	}
	server := &Server{Config: config, env: env}
	if server.Client, err = NewClient(config); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return server, nil
}

// KubeConfig is a kubeconfig of the server's administrator.
func (s *Server) KubeConfig() []byte { return s.env.KubeConfig }

// Stop ends the server and removes its files.
func (s *Server) Stop() error { return s.env.Stop() }

// Namespace makes a new namespace with the ServiceAccount "default", and returns its name. No controller runs here, so
// it can never be deleted; the server's end is its end.
func (s *Server) Namespace(ctx context.Context) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-"}}
	if err := s.Client.Create(ctx, namespace); err != nil {
		return "", fmt.Errorf("create namespace: %w", err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: namespace.Name}}
	if err := s.Client.Create(ctx, account); err != nil {
		return "", fmt.Errorf("create service account: %w", err)
	}
	return namespace.Name, nil
}

// NewClient returns a client like Server.Client for another user, say.
func NewClient(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(kscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("register kinds: %w", err)
	}
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// Root is the folder of this repository, seen from the package under test.
func Root() string {
	folder := "."
	for range 8 {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			break
		}
		folder = filepath.Join(folder, "..")
	}
	return folder
}
