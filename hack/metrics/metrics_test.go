package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// The document has all that is registered, and nothing else.
func TestDocumentIsUpToDate(t *testing.T) {
	text, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	next, err := render(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if next != string(text) {
		t.Error(document + " is not up to date: make generate")
	}
	for _, name := range []string{"dormouse_gateway_requests_total` | counter | - | `code`, `reason`", "dormouse_gateway_lease_age_seconds` | gauge | seconds | - |", "dormouse_operator_start_seconds` | histogram"} {
		if !strings.Contains(next, name) {
			t.Errorf("%s is missing", name)
		}
	}
	if _, err := render("# Metrics"); err == nil {
		t.Error("a document without a place for the tables is taken")
	}
}

// No metric of either program has a name that Prometheus advises against, whether or not it has a value yet, and none has a
// label whose values are the clients' to make.
func TestNoLabelPerKey(t *testing.T) {
	allowed := map[string]bool{
		"code": true, "reason": true, "outcome": true, "result": true, "phase": true, "limit": true, "header": true, "verb": true, "end": true,
		"namespace": true, "template": true, "state": true,
	}
	for _, c := range append(ofGateway(), ofOperator()...) {
		descriptions := make(chan *prometheus.Desc, 1)
		c.Describe(descriptions)
		m := described.FindStringSubmatch((<-descriptions).String())
		family := &dto.MetricFamily{Name: &m[1], Help: &m[2], Type: types[kind(c)].Enum(), Metric: []*dto.Metric{{}}}
		if problems, err := promlint.NewWithMetricFamilies([]*dto.MetricFamily{family}).Lint(); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
		for label := range strings.SplitSeq(m[3], ",") {
			if label != "" && !allowed[label] {
				t.Errorf("%s has the label %s", m[1], label)
			}
		}
	}
}

var types = map[string]dto.MetricType{
	"counter": dto.MetricType_COUNTER, "gauge": dto.MetricType_GAUGE, "histogram": dto.MetricType_HISTOGRAM,
}

// The alerts and the dashboard of the chart ask for nothing that is not there.
func TestChartNamesMetricsThatThereAre(t *testing.T) {
	there := map[string]bool{}
	for _, c := range append(ofGateway(), ofOperator()...) {
		descriptions := make(chan *prometheus.Desc, 1)
		c.Describe(descriptions)
		name := described.FindStringSubmatch((<-descriptions).String())[1]
		there[name] = kind(c) != "histogram"
		there[name+"_count"], there[name+"_bucket"] = kind(c) == "histogram", kind(c) == "histogram"
	}
	for file, least := range map[string]int{"templates/monitoring.yaml": 7, "files/dashboards/dormouse.json": 25} {
		asked := 0
		for _, expr := range expressions(t, "../../charts/dormouse/"+file) {
			for _, name := range regexp.MustCompile(`dormouse_[a-z_]+`).FindAllString(expr, -1) {
				asked++
				if !there[name] {
					t.Errorf("%s names %s", file, name)
				}
			}
		}
		if asked < least {
			t.Errorf("%s asks for %d", file, asked)
		}
	}
}

// expressions are what a file asks of Prometheus: those of the panels of a dashboard, or any that there may be in another file.
func expressions(t *testing.T, path string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".json") {
		return strings.Split(strings.ReplaceAll(string(text), "dormouse_gateway_wake_phase_duration_seconds says", ""), "\n")
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}
