package podspec_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// created is 2026-01-02T03:04:05Z.
const created = 1767323045

func newSession(key string) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:              "chess." + key,
			Namespace:         "games",
			UID:               "6e1a9f3c-0000-4000-8000-000000000042",
			CreationTimestamp: metav1.Unix(created, 0),
		},
		Spec: v1alpha1.SessionSpec{Template: "chess", Key: key},
	}
}

func newTemplate(changes ...func(*corev1.PodTemplateSpec)) *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Name: "chess", Namespace: "games"}}
	t.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table", Image: "example.com/table:1"}}
	for _, change := range changes {
		change(&t.Spec.Template)
	}
	return t
}

// 003-07, 004-18: a pod is what its template says, its memory included, and what is the session's own.
func TestGolden(t *testing.T) {
	for _, name := range []string{"plain", "full"} {
		t.Run(name, func(t *testing.T) {
			template := &v1alpha1.SessionTemplate{}
			in, err := os.ReadFile("testdata/" + name + ".template.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(in, template); err != nil {
				t.Fatal(err)
			}
			got, err := yaml.Marshal(podspec.For(template, newSession("table-42"), 7))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name+".pod.yaml", got)
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (go test -update writes it anew), -want +got:\n%s", path, diff)
	}
}

// 001-08: a key is an argument, which nobody interprets on its way.
func TestKeyArrivesAsItIs(t *testing.T) {
	pod := podspec.For(newTemplate(), newSession("$(SESSION_FENCE)$$x"), 1)
	got := pod.Spec.Containers[0].Env[0]
	// The kubelet reads $$ as $.
	want := corev1.EnvVar{Name: v1alpha1.EnvKey, Value: "$$(SESSION_FENCE)$$$$x"}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestContainersShareNoEnvironment(t *testing.T) {
	pod := podspec.For(newTemplate(func(p *corev1.PodTemplateSpec) {
		p.Spec.InitContainers = []corev1.Container{{Name: "restore"}}
	}), newSession("a"), 1)
	pod.Spec.InitContainers[0].Env[0].Value = "b"
	if got := pod.Spec.Containers[0].Env[0].Value; got != "a" {
		t.Errorf("a change of the one changed the other to %q", got)
	}
}

// 000-34: a store can tell the later of two writers, also over a Session that was deleted and made again.
func TestFenceGrowsWithEpochAndWithCreation(t *testing.T) {
	fence := func(s *v1alpha1.Session, epoch int64) string {
		env := podspec.For(newTemplate(), s, epoch).Spec.Containers[0].Env
		return env[3].Value
	}
	young := newSession("a")
	young.CreationTimestamp = metav1.Unix(created+1, 0)
	order := []string{fence(newSession("a"), 1), fence(newSession("a"), 2), fence(newSession("a"), 1<<20-1), fence(young, 1)}
	for i := 1; i < len(order); i++ {
		if len(order[i-1]) != len(order[i]) || strings.Compare(order[i-1], order[i]) >= 0 {
			t.Errorf("fences do not grow: %v", order)
		}
	}
}

func TestSecurity(t *testing.T) {
	yes, zero := true, int64(0)
	tests := map[string]struct {
		change func(*corev1.PodTemplateSpec)
		holds  func(corev1.PodSpec) bool
	}{
		"root is left to who asks for it in the pod": {
			func(p *corev1.PodTemplateSpec) { p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &zero} },
			func(s corev1.PodSpec) bool { return !*s.SecurityContext.RunAsNonRoot },
		},
		"root is left to who asks for it in the container": {
			func(p *corev1.PodTemplateSpec) {
				p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsUser: &zero}
			},
			func(s corev1.PodSpec) bool {
				return *s.SecurityContext.RunAsNonRoot && !*s.Containers[0].SecurityContext.RunAsNonRoot
			},
		},
		"a privileged container may escalate": {
			func(p *corev1.PodTemplateSpec) {
				p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &yes}
			},
			func(s corev1.PodSpec) bool {
				c := s.Containers[0].SecurityContext
				return c.AllowPrivilegeEscalation == nil && c.Capabilities == nil
			},
		},
		"CAP_SYS_ADMIN may escalate, and loses the rest": {
			func(p *corev1.PodTemplateSpec) {
				p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
					Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}},
				}
			},
			func(s corev1.PodSpec) bool {
				c := s.Containers[0].SecurityContext
				return c.AllowPrivilegeEscalation == nil && c.Capabilities.Drop[0] == "ALL"
			},
		},
		"Windows knows no seccomp and no capabilities": {
			func(p *corev1.PodTemplateSpec) { p.Spec.OS = &corev1.PodOS{Name: corev1.Windows} },
			func(s corev1.PodSpec) bool {
				c := s.Containers[0].SecurityContext
				return s.SecurityContext.SeccompProfile == nil && c.AllowPrivilegeEscalation == nil && c.Capabilities == nil
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pod := podspec.For(newTemplate(test.change), newSession("a"), 1)
			if !test.holds(pod.Spec) {
				t.Errorf("got %+v and %+v", pod.Spec.SecurityContext, pod.Spec.Containers[0].SecurityContext)
			}
		})
	}
}

func TestEpoch(t *testing.T) {
	tests := map[string]struct {
		value string
		epoch int64
		ok    bool
	}{
		"a number":    {"7", 7, true},
		"zero":        {"0", 0, false},
		"negative":    {"-1", -1, false},
		"no number":   {"seven", 0, false},
		"empty":       {"", 0, false},
		"hexadecimal": {"0x7", 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.AnnotationEpoch: test.value}}}
			epoch, ok := podspec.Epoch(pod)
			if epoch != test.epoch || ok != test.ok {
				t.Errorf("got %d, %t, want %d, %t", epoch, ok, test.epoch, test.ok)
			}
		})
	}
}

func TestPort(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	template := newTemplate(func(p *corev1.PodTemplateSpec) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{
			{Name: "http", ContainerPort: 8080},
			{Name: "voice", ContainerPort: 9000, Protocol: corev1.ProtocolUDP},
			{ContainerPort: 7000},
		}
		p.Spec.InitContainers = []corev1.Container{
			{Name: "proxy", RestartPolicy: &always, Ports: []corev1.ContainerPort{{Name: "side", ContainerPort: 8081}}},
			{Name: "setup", Ports: []corev1.ContainerPort{{Name: "brief", ContainerPort: 8082}}},
		}
	})
	tests := map[string]struct {
		port   intstr.IntOrString
		number int32
		ok     bool
	}{
		"a name":                   {intstr.FromString("http"), 8080, true},
		"a sidecar's name":         {intstr.FromString("side"), 8081, true},
		"an init container's name": {intstr.FromString("brief"), 0, false},
		"a UDP port":               {intstr.FromString("voice"), 0, false},
		"an unknown name":          {intstr.FromString("https"), 0, false},
		"no name":                  {intstr.FromString(""), 0, false},
		"a declared number":        {intstr.FromInt32(8080), 8080, true},
		"another number":           {intstr.FromInt32(1), 1, true},
		"zero":                     {intstr.FromInt32(0), 0, false},
		"too large":                {intstr.FromInt32(65536), 65536, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			template.Spec.Port = test.port
			number, ok := podspec.Port(template)
			if ok != test.ok || (ok && number != test.number) {
				t.Errorf("got %d, %t, want %d, %t", number, ok, test.number, test.ok)
			}
		})
	}
}

// The tenant is in the pod only where there is one: a label is no label with an empty value.
func TestTenant(t *testing.T) {
	s := newSession("table-42")
	pod := podspec.For(newTemplate(), s, 1)
	if _, has := pod.Labels[v1alpha1.LabelTenant]; has || environmentOf(pod, v1alpha1.EnvTenant) != nil {
		t.Errorf("a session without a tenant has %v, %v", pod.Labels, pod.Spec.Containers[0].Env)
	}
	s.Spec.Tenant = "alice"
	pod = podspec.For(newTemplate(), s, 1)
	if env := environmentOf(pod, v1alpha1.EnvTenant); pod.Labels[v1alpha1.LabelTenant] != "alice" || env == nil || env.Value != "alice" {
		t.Errorf("a session of alice has %v, %v", pod.Labels, pod.Spec.Containers[0].Env)
	}
}

func environmentOf(pod *corev1.Pod, name string) *corev1.EnvVar {
	for _, v := range pod.Spec.Containers[0].Env {
		if v.Name == name {
			return &v
		}
	}
	return nil
}
