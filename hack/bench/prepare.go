package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/hack/progress"
)

const (
	image        = "localhost/dormouse/bench:dev"
	templateName = "bench"
	port         = 8080
	header       = "X-Bench-Key"
	idleAfter    = 2 * time.Second
)

// prepare makes the namespace with the template, and what an earlier run left there goes first.
func (b *bed) prepare(ctx context.Context) error {
	if err := b.loadImage(ctx); err != nil {
		return err
	}
	if err := b.clear(ctx); err != nil {
		return err
	}
	defer progress.Of(func() string { return "waiting for the namespace and the template" })()
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	b.template = newTemplate()
	for _, o := range []client.Object{space, b.template} {
		if err := b.api.Create(ctx, o); err != nil {
			return fmt.Errorf("create %s: %w", o.GetName(), err)
		}
	}
	err := until(ctx, "wait for the namespace's service account", func() (bool, error) {
		return b.exists(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}})
	})
	if err != nil {
		return err
	}
	return until(ctx, "wait for the template to be accepted", func() (bool, error) {
		_, err := b.exists(ctx, b.template)
		return meta.IsStatusConditionTrue(b.template.Status.Conditions, v1alpha1.ConditionAccepted), err
	})
}

func newTemplate() *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: templateName}}
	t.Spec.Key.OnMissing = v1alpha1.MissingCreate
	t.Spec.Routes = []v1alpha1.Route{{Header: header}}
	t.Spec.Port = intstr.FromInt32(port)
	t.Spec.Idle.After = &metav1.Duration{Duration: idleAfter}
	t.Spec.Template.Spec.Containers = []corev1.Container{{
		Name:            "workload",
		Image:           image,
		ImagePullPolicy: corev1.PullNever,
		Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: port}},
		SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: ptr.To(true)},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("5m"), corev1.ResourceMemory: resource.MustParse("16Mi"),
		}},
	}}
	return t
}

// loadImage builds the workload and puts its image on the node.
func (b *bed) loadImage(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "dormouse-bench-*")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary, archive := filepath.Join(folder, "workload"), filepath.Join(folder, "workload.tar")
	for _, step := range []struct{ what, command string }{
		{"building the workload", "env CGO_ENABLED=0 GOOS=linux go build -buildvcs=false -ldflags=-s -o " + binary + " ./hack/bench/workload"},
		{"writing its image", "go -C hack/image run . -o " + archive + " -name " + image + " -binary " + binary},
		{"loading its image", "go run ./hack/cluster load-image " + archive},
	} {
		words := strings.Fields(step.command)
		if _, err := run(ctx, b.root, step.what, words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// clear removes all that is ours: the sessions first, so that no pod is left without an operator that lets it go.
func (b *bed) clear(ctx context.Context) error {
	defer progress.Of(func() string { return "removing namespace " + namespace })()
	err := b.api.DeleteAllOf(ctx, &v1alpha1.Session{}, client.InNamespace(namespace))
	if err != nil {
		return fmt.Errorf("delete the sessions: %w", err)
	}
	err = until(ctx, "wait for the end of the sessions", func() (bool, error) {
		var left v1alpha1.SessionList
		err := b.api.List(ctx, &left, client.InNamespace(namespace))
		return len(left.Items) == 0, err
	})
	if err != nil {
		return err
	}
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := b.api.Delete(ctx, space); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the namespace: %w", err)
	}
	return until(ctx, "wait for the end of the namespace", func() (bool, error) {
		there, err := b.exists(ctx, space)
		return !there, err
	})
}
