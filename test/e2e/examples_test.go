package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var (
	toldLine = regexp.MustCompile(`(?m)^[0-9]+\. (.*)$`)
	ids      = regexp.MustCompile(` \([0-9-, ]+\)$`)
)

// tells plays the story of an example, and wants it to be these lines, which may name the requirements that they prove at their
// end. A story ends with the first line that is not so. The README of the example says the same lines.
func tells(ctx context.Context, example, namespace string, lines []string) {
	GinkgoHelper()
	var want []string
	for _, l := range lines {
		want = append(want, ids.ReplaceAllString(l, ""))
	}
	readme, err := os.ReadFile(filepath.Join(cl.Root, "examples", example, "README.md"))
	Expect(err).NotTo(HaveOccurred())
	Expect(told(string(readme))).To(Equal(want), "the story in the README")

	asks(ctx) // an example may call the Session API
	DeferCleanup(removeExample, namespace, NodeTimeout(4*time.Minute))
	out := cl.run(ctx, "go", "run", "./hack/demo", "examples", example)
	_, story, _ := strings.Cut(out, "\n-- ") // what comes before is told by who builds it
	Expect(told(story)).To(Equal(want), "the story as it was played")
	say("%s", story)
}

// removeExample removes a namespace, once all sessions in it have ended.
func removeExample(ctx context.Context, namespace string) {
	GinkgoHelper()
	w := &world{namespace: namespace}
	Expect(cl.api.DeleteAllOf(ctx, &v1alpha1.Session{}, client.InNamespace(namespace))).To(Succeed())
	Eventually(ctx, w.sessions).WithTimeout(3*time.Minute).Should(BeEmpty(), "deleted sessions do not go")
	err := cl.api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	Expect(client.IgnoreNotFound(err)).To(Succeed())
}

// told are the numbered lines of a text.
func told(text string) []string {
	var lines []string
	for _, m := range toldLine.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return lines
}
