package api_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

var _ = Describe("kubectl get", func() {
	BeforeEach(func(ctx SpecContext) {
		given(ctx, session("never-wanted"))
		given(ctx, session("asleep", `status={phase: Asleep, epoch: 6, activity: {time: "`+daysAgo(3)+`"}, conditions: [`+ready("False", "Asleep")+`]}`))
		given(ctx, session("awake", "spec.tenant=alice", `status={phase: Awake, epoch: 7, activity: {time: "`+daysAgo(2)+`"}, conditions: [`+ready("True", "Serving")+`],
			pod: {name: chess.awake, uid: u, node: node-1}, endpoint: {uid: u, address: 10.0.0.1, port: 80}}`))
		given(ctx, session("queued", "spec.tenant=bob", `status={phase: Queued, activity: {time: "`+daysAgo(2)+`", source: request}, conditions: [`+ready("False", "Queued")+`],
			limit: limits.perTenant.awake, waitingFor: a place under limits.perTenant.awake}`))
		given(ctx, session("failed", `status={phase: Failed, epoch: 1, activity: {time: "`+daysAgo(400)+`"}, conditions: [`+ready("False", "ImagePullBackOff")+`]}`))
		given(ctx, template())
		given(ctx, object(full, "metadata.name=accepted", `status={sessions: {total: 4, awake: 1, failed: 1},
			conditions: [{type: Accepted, status: "True", reason: Accepted, message: "", lastTransitionTime: "`+daysAgo(1)+`"}]}`))
	})

	DescribeTable("shows what a person needs",
		func(ctx SpecContext, resource string, wide bool, file string) {
			got := get(ctx, resource, wide)
			if *update {
				Expect(os.WriteFile(file, []byte(got), 0o644)).To(Succeed())
			}
			want, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(got).To(Equal(string(want)), "go test -update writes "+file+" anew")
		},
		Entry("of sessions", "sessions", false, "testdata/sessions.txt"),
		Entry("of sessions -o wide", "sessions", true, "testdata/sessions.wide.txt"),
		Entry("of templates", "sessiontemplates", false, "testdata/sessiontemplates.txt"),
		Entry("of templates -o wide", "sessiontemplates", true, "testdata/sessiontemplates.wide.txt"),
	)

	It("knows the short names and the category", func() {
		client, err := discovery.NewDiscoveryClientForConfig(server.Config)
		Expect(err).NotTo(HaveOccurred())
		list, err := client.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
		Expect(err).NotTo(HaveOccurred())
		short := map[string][]string{}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				Expect(r.Categories).To(ConsistOf("dormouse"), r.Name)
				Expect(r.Namespaced).To(BeTrue(), r.Name)
				short[r.Name] = r.ShortNames
			}
		}
		Expect(short).To(Equal(map[string][]string{"sessions": {"ses"}, "sessiontemplates": {"sestpl"}}))
	})
})

var trailing = regexp.MustCompile(`(?m) +$`)

// get prints the Table of the API server as kubectl does. What is Age depends on when the test runs.
func get(ctx context.Context, resource string, wide bool) string {
	GinkgoHelper()
	table := tableOf(ctx, resource)
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 6, 4, 3, ' ', 0)
	row := func(cell func(column int) any) {
		var cells []string
		for i, column := range table.ColumnDefinitions {
			if wide || column.Priority == 0 {
				cells = append(cells, fmt.Sprint(cell(i)))
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	row(func(i int) any { return strings.ToUpper(table.ColumnDefinitions[i].Name) })
	for _, r := range table.Rows {
		row(func(i int) any {
			switch {
			case table.ColumnDefinitions[i].Name == "Age":
				return "<age>"
			case r.Cells[i] == nil:
				return ""
			}
			return r.Cells[i]
		})
	}
	Expect(w.Flush()).To(Succeed())
	return trailing.ReplaceAllString(out.String(), "")
}

func tableOf(ctx context.Context, resource string) *metav1.Table {
	GinkgoHelper()
	config := rest.CopyConfig(server.Config)
	config.APIPath, config.GroupVersion = "/apis", &v1alpha1.GroupVersion
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	table := &metav1.Table{}
	err = client.Get().Namespace(namespace).Resource(resource).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(ctx).Into(table)
	Expect(err).NotTo(HaveOccurred())
	return table
}

func daysAgo(days int) string {
	return time.Now().Add(-time.Duration(days)*24*time.Hour - time.Hour).UTC().Format(metav1.RFC3339Micro)
}

func ready(status, reason string) string {
	return fmt.Sprintf(`{type: Ready, status: %q, reason: %s, message: "", lastTransitionTime: %q}`, status, reason, daysAgo(1))
}
