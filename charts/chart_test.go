package charts

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write testdata/default.golden.yaml instead of comparing with it")

const golden = "dormouse/testdata/default.golden.yaml"

// helm runs the pinned helm on the chart and returns what it printed.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "-modfile=../hack/tools/helm/go.mod", "helm"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// render returns the objects of a release named dormouse, in the order of helm.
func render(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := helm(t, append([]string{"template", "dormouse", "dormouse", "--namespace", "dormouse-system"}, args...)...)
	if err != nil {
		t.Fatalf("helm template %v: %v\n%s", args, err, errs)
	}
	return out
}

func TestLint(t *testing.T) {
	if out, errs, err := helm(t, "lint", "--strict", "dormouse"); err != nil {
		t.Errorf("helm lint: %v\n%s%s", err, out, errs)
	}
}

// The CRDs are compared with config/crd elsewhere: here they would hide the rest.
func TestDefaultValuesRenderTheGoldenFile(t *testing.T) {
	got := render(t, "--set", "crds.enabled=false")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the chart renders something else than %s; if that is meant: go test ./charts -update, and read the diff", golden)
	}
}

func TestTheChartCarriesTheGeneratedCRDs(t *testing.T) {
	sources, err := filepath.Glob("../config/crd/*.yaml")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no CRDs in config/crd (%v)", err)
	}
	for _, source := range sources {
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("dormouse/files/crds", filepath.Base(source)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the chart's copy (%v): cp config/crd/*.yaml charts/dormouse/files/crds/", source, err)
		}
	}
	if copies, _ := filepath.Glob("dormouse/files/crds/*"); len(copies) != len(sources) {
		t.Errorf("the chart has %d CRDs, config/crd has %d", len(copies), len(sources))
	}
}

func TestCRDsPassThroughTheTemplateUnchanged(t *testing.T) {
	const keep = "helm.sh/resource-policy"
	for _, kept := range []string{"true", "false"} {
		for name, crd := range documents(t, render(t, "--show-only", "templates/crds.yaml", "--set", "crds.keep="+kept)) {
			annotations := crd["metadata"].(map[string]any)["annotations"].(map[string]any)
			if _, has := annotations[keep]; has != (kept == "true") {
				t.Errorf("crds.keep=%s: %s has the annotation %s: %v", kept, name, keep, has)
			}
			delete(annotations, keep)
			group, plural := "sessions.dormouse.dev", strings.TrimSuffix(name, ".sessions.dormouse.dev")
			source, err := os.ReadFile("../config/crd/" + group + "_" + plural + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			if want := documents(t, string(source))[name]; !reflect.DeepEqual(crd, want) {
				t.Errorf("crds.keep=%s: %s is not the one in config/crd", kept, name)
			}
		}
	}
}

// documents splits a stream of YAML by metadata.name.
func documents(t *testing.T, stream string) map[string]map[string]any {
	t.Helper()
	byName := map[string]map[string]any{}
	for _, text := range strings.Split("\n"+stream, "\n---\n") {
		var doc map[string]any
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if doc == nil {
			continue
		}
		byName[doc["metadata"].(map[string]any)["name"].(string)] = doc
	}
	if len(byName) == 0 {
		t.Fatal("no YAML document")
	}
	return byName
}

func TestTheSchemaRefuses(t *testing.T) {
	for value, word := range map[string]string{
		"gateway.replica=3":                            "replica",
		"gateway.replicas=many":                        "replicas",
		"operator.replicas=3":                          "replicas",
		"gateway.service.type=ExternalName":            "type",
		"gateway.terminationGracePeriodSeconds=9":      "terminationGracePeriodSeconds",
		"gateway.service.port=0":                       "port",
		"gateway.service.nodePort=70000":               "nodePort",
		"gateway.podDisruptionBudget.maxUnavailable=0": "maxUnavailable",
		"gateway.extraArgs[0]=listen":                  "extraArgs",
		"image.registry=":                              "registry",
		"image.pullPolicy=Sometimes":                   "pullPolicy",
		"gateway.access.kubernetesTokens=perhaps":      "kubernetesTokens",
		"crds.enabled=perhaps":                         "enabled",
		"operator.image.tag=1":                         "tag",
		"gateway.podAnnotations.a=true":                "podAnnotations",
	} {
		_, errs, err := helm(t, "template", "dormouse", "dormouse", "--set", value)
		if err == nil || !strings.Contains(errs, word) {
			t.Errorf("--set %s: got %v, want a refusal that names %s\n%s", value, err, word, errs)
		}
	}
}

func TestValuesReachTheObjects(t *testing.T) {
	out := render(t, "--set", strings.Join([]string{
		"image.registry=localhost", "image.tag=t1", "imagePullSecrets[0].name=pull",
		"gateway.image.repository=dormouse/gateway", "gateway.extraArgs[0]=--v=2", "gateway.terminationGracePeriodSeconds=70",
		"gateway.service.type=NodePort", "gateway.service.nodePort=30080", "gateway.nodeSelector.disk=ssd",
		"gateway.podDisruptionBudget.maxUnavailable=50%",
	}, ","))
	for _, want := range []string{
		"image: localhost/dormouse/gateway:t1\n", "- name: pull\n", "- --v=2\n", "terminationGracePeriodSeconds: 70\n", "--drain-timeout=60s",
		"type: NodePort\n", "nodePort: 30080\n", "disk: ssd\n", "maxUnavailable: 50%\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not rendered: %q", want)
		}
	}
}

func TestAccessValuesReachTheGateway(t *testing.T) {
	const reviews, keys = "subjectaccessreviews", "--capability-keys=/run/dormouse/capability-keys\n"
	if out := render(t); strings.Contains(out, reviews) || strings.Contains(out, keys) {
		t.Error("by default a gateway asks for what it does not need")
	}
	out := render(t, "--set", "gateway.access.kubernetesTokens=true,gateway.access.capabilityKeysSecret=caps")
	for _, want := range []string{
		reviews, "tokenreviews", "- --kubernetes-tokens\n", keys,
		"mountPath: /run/dormouse/capability-keys, readOnly: true}\n", "secret: {secretName: caps}\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not rendered: %q", want)
		}
	}
}

func TestPoliciesCanBeSwitchedOff(t *testing.T) {
	if out := render(t, "--set", "admissionPolicies.enabled=false"); strings.Contains(out, "ValidatingAdmissionPolicy") {
		t.Error("policies are rendered although admissionPolicies.enabled is false")
	}
}
