package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	system    = "dormouse-system" // where hack/demo installs
	namespace = "dormouse-bench"
	patience  = 2 * time.Minute // for whatever the cluster has to do
)

// bed is what a measurement lies on.
type bed struct {
	root     string // of the repository
	audit    string // the API server's audit log
	api      client.WithWatch
	gateway  string // the URL of one gateway
	client   *http.Client
	template *v1alpha1.SessionTemplate // as the API server has it
	ours     []string                  // operator and gateways: other ones spoil a measurement
}

// open finds the cluster and Dormouse on it, and installs it where it is not.
func open(ctx context.Context) (*bed, error) {
	root, err := repository(ctx)
	if err != nil {
		return nil, err
	}
	b := &bed{root: root, client: &http.Client{Timeout: 90 * time.Second, Transport: &http.Transport{}}}
	if err := b.connect(ctx); err != nil {
		fmt.Println("-- no cluster answers: installing one, with Dormouse")
		return b, errors.Join(show(ctx, root, "go", "run", "./hack/demo", "install"), b.connect(ctx), b.findGateway(ctx))
	}
	if err := b.findGateway(ctx); err != nil {
		fmt.Printf("-- %v: installing Dormouse\n", err)
		return b, errors.Join(show(ctx, root, "go", "run", "./hack/demo", "install"), b.findGateway(ctx))
	}
	return b, nil
}

// connect makes a client of the API server, without a limit of its own, and finds the audit log.
func (b *bed) connect(ctx context.Context) error {
	ctrllog.SetLogger(logr.Discard())
	status, err := run(ctx, b.root, "asking for the cluster's status", "go", "run", "./hack/cluster", "status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(status) {
		if path, ok := strings.CutPrefix(line, "audit log"); ok {
			b.audit = strings.TrimSpace(path)
		}
	}
	path, err := run(ctx, b.root, "asking for the kubeconfig", "go", "run", "./hack/cluster", "kubeconfig")
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", strings.TrimSpace(path))
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	b.api, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	return err
}

// findGateway takes the first of the gateways that are ready.
func (b *bed) findGateway(ctx context.Context) error {
	var pods corev1.PodList
	if err := b.api.List(ctx, &pods, client.InNamespace(system)); err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	found := map[string]bool{}
	b.ours, b.gateway = nil, ""
	for i := range pods.Items {
		p := &pods.Items[i]
		if !ready(p) {
			continue
		}
		component := p.Labels["app.kubernetes.io/component"]
		found[component] = true
		b.ours = append(b.ours, string(p.UID)+" "+fmt.Sprint(p.Status.ContainerStatuses[0].RestartCount))
		if component == v1alpha1.ComponentGateway && b.gateway == "" {
			b.gateway = "http://" + p.Status.PodIP + ":8080"
		}
	}
	slices.Sort(b.ours)
	if !found[v1alpha1.ComponentGateway] || !found["operator"] {
		return fmt.Errorf("no operator and gateway are ready in namespace %s", system)
	}
	return nil
}

func ready(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

// undisturbed fails if operator or gateways are not the ones that were found.
func (b *bed) undisturbed(ctx context.Context) error {
	before := b.ours
	if err := b.findGateway(ctx); err != nil {
		return err
	}
	if !slices.Equal(before, b.ours) {
		return errors.New("operator or gateways were replaced meanwhile: the figures mean nothing, try again")
	}
	return nil
}

// until asks again and again, ten times a second, until it is so.
func until(ctx context.Context, what string, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := so()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// exists says whether an object is there, and reads it.
func (b *bed) exists(ctx context.Context, o client.Object) (bool, error) {
	err := b.api.Get(ctx, client.ObjectKeyFromObject(o), o)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
