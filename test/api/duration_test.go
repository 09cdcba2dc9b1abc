package api_test

import (
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// durationFields are all durations of a template, each with the change that sets it and the longest that it takes.
var durationFields = []struct{ path, change, longest string }{
	{"spec.wake.timeout", "spec.wake={timeout: %}", "1h"},
	{"spec.idle.after", "spec.idle={after: %}", "720h"},
	{"spec.save.timeout", "spec.save={path: /save, timeout: %}", "1h"},
	{"spec.save.after", "spec.save={path: /save, after: %}", "720h"},
}

var _ = Describe("A duration of a template", func() {
	for _, field := range durationFields {
		set := func(duration string) string { return strings.ReplaceAll(field.change, "%", strconv.Quote(duration)) }

		It("is accepted in "+field.path+" if the operator can read it", func(ctx SpecContext) {
			for _, d := range []string{"1s", "1.5s", "1000ms", "30m", "0h30m", "59m59s", "1m1m", "0.5h", "0.000001h1s", "00000001s", field.longest} {
				t := template(set(d), "metadata.generateName=t", "metadata.name-")
				Expect(api.Create(ctx, t)).To(Succeed(), d)
				var parsed metav1.Duration
				Expect(yaml.Unmarshal([]byte(d), &parsed)).To(Succeed(), d)
			}
		})

		It("is rejected in "+field.path+" if the operator cannot read it, or if it makes no sense", func(ctx SpecContext) {
			for _, d := range []string{
				"1d", "1w", "P1D", "0s", "500ms", "999ms", "-5m", "+5m", "1us", "1000000us", "1000000µs", "1000000000ns", "5", "", " 5m", "5m ",
				"5 m", ".5h", "5.h", "1e3s", "1H", "five minutes", field.longest + "1ms", "9999999999999999999h", "99999999999999999999999999999999s",
			} {
				Expect(api.Create(ctx, template(set(d)))).To(MatchError(ContainSubstring(field.path)), d)
			}
		})

		It("is rejected in "+field.path+" as a number", func(ctx SpecContext) {
			Expect(api.Create(ctx, template(strings.ReplaceAll(field.change, "%", "300")))).To(MatchError(ContainSubstring(field.path)))
		})
	}

	It("is accepted in spec.idle.after with hours and minutes", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.idle={after: 1h30m}"))).To(Succeed())
	})
})
