package main

import (
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

// The alerts of the chart ask for nothing that is not there.
func TestAlertsNameMetricsThatThereAre(t *testing.T) {
	rules, err := os.ReadFile("../../charts/dormouse/templates/monitoring.yaml")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, c := range append(ofGateway(), ofOperator()...) {
		descriptions := make(chan *prometheus.Desc, 1)
		c.Describe(descriptions)
		name := described.FindStringSubmatch((<-descriptions).String())[1]
		there[name] = true
		there[name+"_count"] = kind(c) == "histogram"
	}
	asked := regexp.MustCompile(`dormouse_[a-z_]+`).FindAllString(string(rules), -1)
	if len(asked) < 7 {
		t.Errorf("the alerts ask for %v", asked)
	}
	for _, name := range asked {
		if !there[name] {
			t.Errorf("an alert names %s", name)
		}
	}
}
