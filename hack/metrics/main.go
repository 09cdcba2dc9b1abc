// Command metrics writes the tables of docs/metrics.md: all that gateway and operator count, from what they register.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/dormouse-dev/dormouse/controllers/session"
	"github.com/dormouse-dev/dormouse/controllers/template"
	"github.com/dormouse-dev/dormouse/internal/certs"
	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

const document = "docs/metrics.md"

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: go run ./hack/metrics   write the tables of "+document+", in the root of the repository")
	}
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "metrics:", err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	next, err := render(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(document, []byte(next), 0o644)
}

// render puts the tables between their marks.
func render(text string) (string, error) {
	for name, collectors := range map[string][]prometheus.Collector{"gateway": ofGateway(), "operator": ofOperator()} {
		begin, end := "<!-- begin "+name+", written by `go run ./hack/metrics` -->\n", "<!-- end "+name+" -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("%s has no place for the table of the %s", document, name)
		}
		rows, err := table(collectors)
		if err != nil {
			return "", err
		}
		text = before + begin + rows + end + after
	}
	return text, nil
}

// keeper is a Registerer that keeps what it is given.
type keeper struct {
	prometheus.Registerer
	all []prometheus.Collector
}

func (k *keeper) MustRegister(c ...prometheus.Collector) { k.all = append(k.all, c...) }

func ofGateway() []prometheus.Collector {
	k := &keeper{}
	gateway.NewMetrics(k)
	cluster.New(cluster.Options{Metrics: k, Now: time.Now})
	certs.NewMetrics(k)
	return k.all
}

func ofOperator() []prometheus.Collector {
	return slices.Concat(session.Collectors(), template.Collectors(), []prometheus.Collector{session.NewQueueLength(func() int { return 0 })})
}

// described is how a descriptor prints itself, which is all that can be had of it.
var described = regexp.MustCompile(`fqName: "(.*?)", help: "(.*?)", (?:unit: ".*?", )?constLabels: .*?, variableLabels: \{(.*?)\}`)

// table has a line for each metric, by name.
func table(collectors []prometheus.Collector) (string, error) {
	var rows []string
	for _, c := range collectors {
		descriptions := make(chan *prometheus.Desc, 1)
		c.Describe(descriptions)
		text := (<-descriptions).String()
		m := described.FindStringSubmatch(text)
		if m == nil {
			return "", fmt.Errorf("a descriptor reads %s", text)
		}
		labels := "-"
		if m[3] != "" {
			labels = "`" + strings.ReplaceAll(m[3], ",", "`, `") + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", m[1], kind(c), unit(m[1]), labels, strings.ReplaceAll(m[2], `\"`, `"`)))
	}
	slices.Sort(rows)
	return "| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n" + strings.Join(rows, ""), nil
}

func kind(c prometheus.Collector) string {
	switch c.(type) {
	case *prometheus.CounterVec:
		return "counter"
	case *prometheus.GaugeVec:
		return "gauge"
	case *prometheus.HistogramVec:
		return "histogram"
	}
	metric, values := dto.Metric{}, make(chan prometheus.Metric, 1)
	c.Collect(values)
	if err := (<-values).Write(&metric); err != nil {
		return err.Error()
	}
	switch {
	case metric.Counter != nil:
		return "counter"
	case metric.Histogram != nil:
		return "histogram"
	}
	return "gauge"
}

// unit is in a metric's name, by the custom of Prometheus; without one, it is a number of things.
func unit(name string) string {
	name = strings.TrimSuffix(name, "_total")
	for _, u := range []string{"seconds", "bytes"} {
		if strings.HasSuffix(name, "_"+u) {
			return u
		}
	}
	return "-"
}
