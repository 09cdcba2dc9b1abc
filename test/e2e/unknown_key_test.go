package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("answers 404 for an unknown key, and leaves nothing behind (000-06, 000-07, 001-11, 004-04, 004-10, 004-19)", func(ctx SpecContext) {
	w := Given(ctx, "unknown", Keys("[a-z]{1,8}"))
	for _, g := range w.gateways {
		for _, c := range []struct{ path, host, reason string }{
			{path: w.path("nobody"), reason: "NotFound"},
			{path: w.path("nobody9"), reason: "KeyRejected"},
			{path: w.path("toolongtobeakey"), reason: "KeyRejected"},
			{path: "/", host: "nobody." + w.namespace + ".example.com", reason: "NotFound"},
			{path: "/", host: "a.unknown.example.org", reason: "NoRoute"},
			{path: "/nowhere/a/", reason: "NoRoute"},
		} {
			a, err := g.do(ctx, http.MethodGet, c.path, Host(c.host))
			Expect(err).NotTo(HaveOccurred())
			Expect(a).To(Refused(http.StatusNotFound, c.reason), "%s%s", c.host, c.path)
		}
	}
	Expect(w.sessions(ctx)).To(BeEmpty())
	Expect(w.pods(ctx)).To(BeEmpty())

	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: template + ".known"}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: "known"}
	Expect(cl.api.Create(ctx, s)).To(Succeed())
	Expect(w.Get(ctx, "known")).To(Served("known", 1), "a session that somebody has made is woken")
}, SpecTimeout(5*time.Minute))
