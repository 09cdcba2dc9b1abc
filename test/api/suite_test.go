package api_test

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

var (
	server    *apiserver.Server
	api       client.WithWatch
	namespace string
)

func TestAPI(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "API")
}

var _ = BeforeSuite(func() {
	var err error
	server, err = apiserver.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return server.Stop() })
	api = server.Client
})

var _ = BeforeEach(func(ctx SpecContext) {
	var err error
	namespace, err = server.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
})

// object is an object as a person writes it: raw, so that it can be wrong. Each change is a path and a JSON value, such as
// "spec.idle.after=1d" or "metadata.name=a.b"; "path-" removes the path.
func object(text string, changes ...string) *unstructured.Unstructured {
	GinkgoHelper()
	o := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &o.Object)).To(Succeed())
	o.SetNamespace(namespace)
	for _, c := range changes {
		change(o, c)
	}
	return o
}

func change(o *unstructured.Unstructured, c string) {
	GinkgoHelper()
	if path, removed := strings.CutSuffix(c, "-"); removed && !strings.Contains(c, "=") {
		unstructured.RemoveNestedField(o.Object, strings.Split(path, ".")...)
		return
	}
	path, text, ok := strings.Cut(c, "=")
	Expect(ok).To(BeTrue(), c)
	var value any
	Expect(yaml.Unmarshal([]byte(text), &value)).To(Succeed())
	Expect(unstructured.SetNestedField(o.Object, value, strings.Split(path, ".")...)).To(Succeed())
}

// session is a Session with a key; its name is the one that the key as it is gives.
func session(key string, changes ...string) *unstructured.Unstructured {
	GinkgoHelper()
	o := object(`
apiVersion: sessions.dormouse.dev/v1alpha1
kind: Session
spec: {template: chess}
`)
	o.SetName("chess." + key)
	Expect(unstructured.SetNestedField(o.Object, key, "spec", "key")).To(Succeed())
	for _, c := range changes {
		change(o, c)
	}
	return o
}

const minimal = `
apiVersion: sessions.dormouse.dev/v1alpha1
kind: SessionTemplate
metadata: {name: chess}
spec:
  port: http
  template:
    spec:
      containers:
      - {name: table, image: "example.com/table:1", ports: [{name: http, containerPort: 8080}]}
`

func template(changes ...string) *unstructured.Unstructured {
	GinkgoHelper()
	return object(minimal, changes...)
}

// given creates the object, and gives it the status that it says.
func given(ctx context.Context, o *unstructured.Unstructured) *unstructured.Unstructured {
	GinkgoHelper()
	status, ok := o.Object["status"]
	Expect(api.Create(ctx, o)).To(Succeed())
	if ok {
		o.Object["status"] = status
		Expect(api.Status().Update(ctx, o)).To(Succeed())
	}
	return o
}

// patch is a merge patch of YAML.
func patch(text string) client.Patch {
	GinkgoHelper()
	body, err := yaml.YAMLToJSON([]byte(text))
	Expect(err).NotTo(HaveOccurred())
	return client.RawPatch("application/merge-patch+json", body)
}
