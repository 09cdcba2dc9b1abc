package api_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const claimSpec = "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"

// claims is a change of a template: it has claims of these names.
func claims(names ...string) string {
	var list []string
	for _, name := range names {
		list = append(list, "{metadata: {name: "+name+"}, "+claimSpec+"}")
	}
	return "spec.volumeClaimTemplates=[" + strings.Join(list, ",") + "]"
}

var _ = Describe("A volume claim of a template", func() {
	It("is kept as it was written, and goes with its session unless that says otherwise", func(ctx SpecContext) {
		Expect(api.Create(ctx, template(claims("data", "cache")))).To(Succeed())
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		Expect(t.Spec.VolumeClaimTemplates).To(HaveLen(2))
		Expect(t.Spec.VolumeClaimTemplates[1].Metadata.Name).To(Equal("cache"))
		Expect(t.Spec.VolumeClaimTemplates[1].Spec.Resources.Requests.Storage().String()).To(Equal("1Gi"))
		Expect(t.Spec.VolumeRetention).To(Equal(v1alpha1.VolumesDelete))
	})

	DescribeTable("is accepted",
		func(ctx SpecContext, change string) { Expect(api.Create(ctx, template(change))).To(Succeed()) },
		Entry("with the longest name", claims(strings.Repeat("a", 63))),
		Entry("eight times", claims("a", "b", "c", "d", "e", "f", "g", "h")),
		Entry("with labels and annotations", "spec.volumeClaimTemplates=[{metadata: {name: data, labels: {a: b}, annotations: {example.com/backup: daily}}, "+claimSpec+"}]"),
		Entry("to be kept when the session is deleted", "spec.volumeRetention=Retain"),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, change, message string) {
			Expect(api.Create(ctx, template(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("without a name", "spec.volumeClaimTemplates=[{metadata: {}, "+claimSpec+"}]", "metadata.name: Required value"),
		Entry("with a dot in its name", claims("a.b"), "metadata.name"),
		Entry("with a name of 64 letters", claims(strings.Repeat("a", 64)), "metadata.name"),
		Entry("with a name that is another's", claims("a", "b", "a"), "two claims have the same name"),
		Entry("nine times", claims("a", "b", "c", "d", "e", "f", "g", "h", "i"), "must have at most 8 items"),
		Entry("without an access mode", "spec.volumeClaimTemplates=[{metadata: {name: a}, spec: {resources: {requests: {storage: 1Gi}}}}]", "spec.accessModes: needs at least one"),
		Entry("without a size", "spec.volumeClaimTemplates=[{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {}}}}]", "spec.resources.requests: needs storage"),
		Entry("with a label of ours", "spec.volumeClaimTemplates=[{metadata: {name: a, labels: {sessions.dormouse.dev/template: go}}, "+claimSpec+"}]", "is reserved"),
		Entry("with an annotation of ours", "spec.volumeClaimTemplates=[{metadata: {name: a, annotations: {sessions.dormouse.dev/session-uid: u}}, "+claimSpec+"}]", "is reserved"),
		Entry("with another retention", "spec.volumeRetention=Recycle", "spec.volumeRetention"),
	)
})

var _ = Describe("The input of a Session", func() {
	DescribeTable("is accepted, and may change",
		func(ctx SpecContext, input string) {
			s := given(ctx, session("a", "spec.input="+input))
			Expect(api.Patch(ctx, s, patch("spec: {input: another}"))).To(Succeed())
			Expect(s.Object["spec"]).To(HaveKeyWithValue("input", "another"))
		},
		Entry("of a word", "white"),
		Entry("of nothing", `""`),
		Entry("of 64 KiB", strings.Repeat("a", 65536)),
		Entry("of 64 KiB of umlauts", strings.Repeat("ü", 32768)),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, input, message string) {
			Expect(api.Create(ctx, session("a", "spec.input="+input))).To(MatchError(ContainSubstring(message)))
		},
		Entry("of one byte more", strings.Repeat("a", 65537), "spec.input"),
		Entry("of one byte more, in fewer letters", strings.Repeat("ü", 32768)+"a", "must have at most 65536 bytes"),
	)
})

var _ = Describe("The volumes in a Session's status", func() {
	It("have a name of their own each", func(ctx SpecContext) {
		s := given(ctx, session("a"))
		Expect(api.Status().Patch(ctx, s, patch("status: {volumes: [{name: a, uid: u}, {name: b, uid: v}]}"))).To(Succeed())
		Expect(api.Status().Patch(ctx, s, patch("status: {volumes: [{name: a, uid: u}, {name: a, uid: v}]}"))).To(MatchError(ContainSubstring("Duplicate value")))
	})
})
