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

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

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
	compare(t, golden, render(t, "--set", "crds.enabled=false"))
}

// What it renders for the Prometheus operator, which is nothing by default.
func TestMonitoringRendersTheGoldenFile(t *testing.T) {
	compare(t, "dormouse/testdata/monitoring.golden.yaml", render(t, "--show-only", "templates/monitoring.yaml",
		"--set", "monitoring.podMonitors.enabled=true,monitoring.podMonitors.labels.release=prometheus",
		"--set", "monitoring.rules.enabled=true,monitoring.rules.labels.release=prometheus"))
}

// The dashboard reaches Grafana as it is.
func TestDashboardIsAConfigMap(t *testing.T) {
	text := render(t, "--show-only", "templates/monitoring.yaml", "--set", "monitoring.dashboard.enabled=true")
	want, err := os.ReadFile("dormouse/files/dashboards/dormouse.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Metadata struct{ Labels map[string]string }
		Data     map[string]string
	}
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	if m.Metadata.Labels["grafana_dashboard"] != "1" || m.Data["dormouse.json"] != string(want) {
		t.Errorf("labels %v, %d bytes of %d", m.Metadata.Labels, len(m.Data["dormouse.json"]), len(want))
	}
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
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

// A gateway has certificates as files, and no right to read Secrets.
func TestCertificatesAreMounted(t *testing.T) {
	text := render(t, "--show-only", "templates/gateway.yaml", "--set", "gateway.tls.secrets={wide,one.test}",
		"--set", "gateway.tls.redirect=true", "--set", "gateway.proxyProtocolFrom={10.0.0.0/8,fd00::/8}", "--set", "gateway.forwardedProtoFrom={192.0.2.0/24}")
	documents(t, text) // it is YAML
	for _, line := range []string{
		"- --listen-tls=:8443", "- --tls-dir=/tls", "- --redirect-https", "- --proxy-protocol-from=10.0.0.0/8,fd00::/8", "- --forwarded-proto-from=192.0.2.0/24",
		"- {name: tls-1, mountPath: /tls/one.test, readOnly: true}", "secret: {secretName: one.test}", "port: 443", "targetPort: https",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
	if rights := render(t, "--show-only", "templates/rbac-gateway.yaml", "--set", "gateway.tls.secrets={wide}"); strings.Contains(strings.ReplaceAll(rights, "# Never pods, never secrets", ""), "secrets") {
		t.Errorf("the gateway may do something with Secrets:\n%s", rights)
	}
}

func TestTheSchemaRefuses(t *testing.T) {
	for value, word := range map[string]string{
		"gateway.replica=3":                            "replica",
		"gateway.replicas=many":                        "replicas",
		"operator.replicas=3":                          "replicas",
		"gateway.service.type=ExternalName":            "type",
		"gateway.tls.secrets={a/b}":                    "secrets",
		"gateway.proxyProtocolFrom={anywhere}":         "proxyProtocolFrom",
		"gateway.forwardedProtoFrom={anywhere}":        "forwardedProtoFrom",
		"monitoring.dashboard.label=x":                 "label",
		"gateway.terminationGracePeriodSeconds=9":      "terminationGracePeriodSeconds",
		"gateway.service.port=0":                       "port",
		"gateway.service.nodePort=70000":               "nodePort",
		"gateway.service.tcpPort=0":                    "tcpPort",
		"gateway.podDisruptionBudget.maxUnavailable=0": "maxUnavailable",
		"gateway.extraArgs[0]=listen":                  "extraArgs",
		"image.registry=":                              "registry",
		"image.pullPolicy=Sometimes":                   "pullPolicy",
		"gateway.access.kubernetesTokens=perhaps":      "kubernetesTokens",
		"crds.enabled=perhaps":                         "enabled",
		"operator.image.tag=1":                         "tag",
		"gateway.podAnnotations.a=true":                "podAnnotations",
		"gateway.env[0].value=x":                       "name",
		"monitoring.podMonitors.interval=often":        "interval",
		"gateway.page.logo=https://example.com/a.png":  "logo",
		"gateway.page.colors.dark.text=white":          "text",
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
		"gateway.service.type=NodePort", "gateway.service.nodePort=30080", "gateway.service.tcpPort=8443", "gateway.nodeSelector.disk=ssd",
		"gateway.podDisruptionBudget.maxUnavailable=50%", "gateway.env[0].name=OTEL_EXPORTER_OTLP_ENDPOINT", "gateway.env[0].value=http://otel:4318",
	}, ","))
	for _, want := range []string{
		"image: localhost/dormouse/gateway:t1\n", "- name: pull\n", "- --v=2\n", "terminationGracePeriodSeconds: 70\n", "--drain-timeout=60s",
		"type: NodePort\n", "nodePort: 30080\n", "--listen-tcp=:8444\n", "port: 8443\n    targetPort: tcp\n", "disk: ssd\n", "maxUnavailable: 50%\n",
		"- name: OTEL_EXPORTER_OTLP_ENDPOINT\n          value: http://otel:4318\n",
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

// The looks of the pages reach the gateway as the file that its flag names, and another look is another pod.
func TestPageReachesTheGateway(t *testing.T) {
	out := render(t, "--set", "gateway.page.title=Chess,gateway.page.colors.light.accent=#265cb3,gateway.podAnnotations.a=b")
	for _, want := range []string{
		"--page-config=/etc/dormouse/page.yaml\n", "mountPath: /etc/dormouse,", "configMap: {name: dormouse-gateway-page}", "name: dormouse-gateway-page\n",
		"  page.yaml: |\n    colors:\n      light:\n        accent: '#265cb3'\n    title: Chess\n", "checksum/page: ", "        a: b\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not rendered: %q", want)
		}
	}
}
