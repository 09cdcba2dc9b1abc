package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"
	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

var _ = Describe("Whose a session is", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("is read where the session is out of sight, and known where it is not", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		s.Spec.Owner = "alice"
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		want := access.Session{UID: string(s.UID), Owner: "alice"}
		_, known := h.Known(idOf(s))
		Expect(known).To(BeFalse())
		Expect(h.Look(ctx, idOf(s))).To(Equal(want))
		Expect(h.Look(ctx, directory.ID{Namespace: namespace, Name: "chess.none"})).To(BeZero())
		Expect(activityOf(ctx, s)).To(BeNil(), "a look wakes nothing")

		operator(ctx, s, published(1))
		Eventually(func() access.Session { found, _ := h.Known(idOf(s)); return found }).Should(Equal(want))
		v := h.enter(s)
		Expect(v.Owner()).To(Equal("alice"))
		v.Leave()
	})

	It("is whoever made it, on its tenant's account", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		s := newSession(namespace, "new")
		h := runs(ctx, namespace, "gw")
		wish := wishFor(s)
		wish.Create, wish.New, wish.Owner, wish.Tenant = true, true, "https://id.example.com#alice", "acme"
		done := h.wakes(ctx, wish)
		Eventually(func() any { return server.Client.Get(ctx, keyOf(s), s) }).Should(Succeed())
		Expect(s.Spec.Owner).To(Equal("https://id.example.com#alice"))
		Expect(s.Spec.Tenant).To(Equal("acme"))
		Expect(h.line.touches.Load()).To(BeZero(), "there was none to touch")
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(BeNil()))
	})

	It("is not changed, nor is the session woken, by one who took it for a new one", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		s := newSession(namespace, "a")
		s.Spec.Owner = "alice"
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		wish := wishFor(s)
		wish.Create, wish.New, wish.Owner = true, true, "bob"
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		Expect(h.Wake(short, wish)).To(Succeed(), "who may wake it is asked again")
		Expect(activityOf(ctx, s)).To(BeNil())
		Expect(s.Spec.Owner).To(Equal("alice"))
	})

	It("is unknown while the API server does not answer", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		h.Directory.SetStale(true)
		_, err := h.Look(ctx, directory.ID{Namespace: namespace, Name: "chess.a"})
		Expect(err).To(refusedWith(directory.Unavailable))
	})
})

var _ = Describe("A flood of new keys", func() {
	flood := func(ctx context.Context, h *hands, n int, change func(*directory.Wish)) (refused map[string]int) {
		refused = map[string]int{}
		var mu sync.Mutex
		var all errgroup.Group
		all.SetLimit(32)
		for i := range n {
			all.Go(func() error {
				w := wishFor(newSession(h.options.Identity.Namespace, fmt.Sprintf("flood-%d", i)))
				w.Create, w.New = true, true
				change(&w)
				short, cancel := context.WithTimeout(ctx, time.Second) // nobody publishes those that are made
				defer cancel()
				if r := (*directory.Refusal)(nil); asRefusal(h.Wake(short, w), &r) {
					mu.Lock()
					defer mu.Unlock()
					refused[r.Reason]++
				}
				return nil
			})
		}
		Expect(all.Wait()).To(Succeed())
		return refused
	}

	It("of one tenant makes no more sessions than its limit, and takes nothing of another's", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		template := newTemplate(namespace, "chess")
		template.Spec.Limits.PerTenant.CreatesPerMinute, template.Spec.Limits.CreatesPerMinute = ptr.To[int32](5), ptr.To[int32](100)
		create(ctx, template)
		start := time.Now()
		h := runs(ctx, namespace, "gw", func(o *Options, _ *line) { o.Now = func() time.Time { return start } })
		refused := flood(ctx, h, 10_000, func(w *directory.Wish) { w.Owner, w.Tenant = "alice", "acme" })
		Expect(refused).To(Equal(map[string]int{"limits.perTenant.createsPerMinute": 9_995}))

		var made v1alpha1.SessionList
		Expect(server.Client.List(ctx, &made, client.InNamespace(namespace))).To(Succeed())
		Expect(made.Items).To(HaveLen(5))
		other := wishFor(newSession(namespace, "other"))
		other.Create, other.New, other.Tenant = true, true, "umbrella"
		done := h.wakes(ctx, other)
		s := newSession(namespace, "other")
		Eventually(func() any { return server.Client.Get(ctx, keyOf(s), s) }).Should(Succeed())
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(BeNil()))
		late := wishFor(newSession(namespace, "late"))
		late.Create, late.New, late.Tenant = true, true, "acme"
		Expect(h.Wake(ctx, late)).To(And(refusedWith(directory.TooFast), gstruct.PointTo(HaveField("RetryAfter", 12*time.Second))))
	})

	It("from one address without a credential is bounded too", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		create(ctx, newTemplate(namespace, "chess"))
		start := time.Now()
		h := runs(ctx, namespace, "gw", func(o *Options, _ *line) {
			o.CreatesPerClient, o.Now = 3, func() time.Time { return start }
		})
		refused := flood(ctx, h, 100, func(w *directory.Wish) { w.Client = netip.MustParseAddr("10.0.0.1") })
		Expect(refused).To(Equal(map[string]int{"gateway.createsPerClient": 97}))
		var made v1alpha1.SessionList
		Expect(server.Client.List(ctx, &made, client.InNamespace(namespace))).To(Succeed())
		Expect(made.Items).To(HaveLen(3))
	})
})

var _ = Describe("A token of the cluster", func() {
	var (
		namespace string
		calls     map[string]int
		mu        sync.Mutex
		down      error
		tokens    *Tokens
		now       time.Time
	)
	count := func(o client.Object) (n int) {
		mu.Lock()
		defer mu.Unlock()
		return calls[fmt.Sprintf("%T", o)]
	}
	BeforeEach(func(ctx SpecContext) {
		namespace, calls, down, now = newNamespace(ctx), map[string]int{}, nil, time.Now()
		tokens = NewTokens(interceptor.NewClient(server.Client, interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
				mu.Lock()
				calls[fmt.Sprintf("%T", o)]++
				err := down
				mu.Unlock()
				if err != nil {
					return err
				}
				return c.Create(ctx, o, opts...)
			},
		}), func() time.Time { return now })
		create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bot"}},
			&rbacv1.Role{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bot"},
				Rules: []rbacv1.PolicyRule{{
					APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"sessions"}, ResourceNames: []string{"chess.a"}, Verbs: []string{"connect"},
				}},
			},
			&rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bot"},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "bot"},
				Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: "bot"}},
			})
	})
	tokenFor := func(ctx context.Context, audience string) string {
		GinkgoHelper()
		r := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}
		bot := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bot"}}
		Expect(server.Client.SubResource("token").Create(ctx, bot, r)).To(Succeed())
		return r.Status.Token
	}

	It("gives its bearer what RBAC does, session by session, and costs three calls in a minute", func(ctx SpecContext) {
		token := tokenFor(ctx, v1alpha1.TokenAudience)
		for range 10 {
			c, err := tokens.Verify(ctx, token, access.Place{Namespace: namespace, Name: "chess.a"}, access.Use, netip.Addr{})
			Expect(err).NotTo(HaveOccurred())
			Expect(c.Subject).To(Equal("system:serviceaccount:" + namespace + ":bot"))
			Expect(c.Groups).To(ContainElement("system:serviceaccounts"))
			Expect(c.Right.Verbs).To(ConsistOf(access.Use, access.Wake, access.Create, access.Look))
		}
		Expect(count(&authenticationv1.TokenReview{})).To(Equal(1))
		Expect(count(&authorizationv1.SubjectAccessReview{})).To(Equal(2), "for all sessions of the namespace, and for this one")
		for place, verb := range map[access.Place]access.Verb{
			{Namespace: namespace, Name: "chess.b"}: access.Use,
			{Namespace: "default", Name: "chess.a"}: access.Use,
			{Namespace: namespace, Name: "chess.a"}: access.Delete,
		} {
			c, err := tokens.Verify(ctx, token, place, verb, netip.Addr{})
			Expect(err).NotTo(HaveOccurred())
			Expect(c.Right.Verbs).To(BeEmpty(), "%s %+v", verb, place)
		}
	})

	DescribeTable("is not taken", func(ctx SpecContext, reviews int, token func(context.Context) string) {
		shown := token(ctx)
		for range 2 {
			_, err := tokens.Verify(ctx, shown, access.Place{Namespace: namespace, Name: "chess.a"}, access.Use, netip.Addr{})
			Expect(err).To(BeAssignableToTypeOf(&access.InvalidError{}))
		}
		Expect(count(&authenticationv1.TokenReview{})).To(Equal(reviews), "that it is not good is remembered too")
	},
		Entry("for another audience, of which nobody is asked", 0, func(ctx context.Context) string { return tokenFor(ctx, "somebody.else") }),
		Entry("with another signature", 1, func(ctx context.Context) string {
			t := tokenFor(ctx, v1alpha1.TokenAudience)
			return t[:len(t)-8] + "AAAAAAAA"
		}),
		Entry("of nobody", 0, func(context.Context) string { return "a.b.c" }),
	)

	It("that is good costs the address nothing, behind which many may stand", func(ctx SpecContext) {
		crowd, at := netip.MustParseAddr("192.0.2.1"), access.Place{Namespace: namespace, Name: "chess.a"}
		for range newTokensPerClient + 1 {
			_, err := tokens.Verify(ctx, tokenFor(ctx, v1alpha1.TokenAudience), at, access.Use, crowd)
			Expect(err).NotTo(HaveOccurred())
		}
	})

	It("that is new costs no more reviews than an address may have, and one that was good is asked of again all the same", func(ctx SpecContext) {
		good, alice, bob := tokenFor(ctx, v1alpha1.TokenAudience), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		at := access.Place{Namespace: namespace, Name: "chess.a"}
		verify := func(token string, from netip.Addr) error {
			_, err := tokens.Verify(ctx, token, at, access.Use, from)
			return err
		}
		Expect(verify(good, alice)).To(Succeed())
		refused := 0
		for i := range 2 * newTokensPerClient {
			err := verify(fmt.Sprintf("%s%08d", good[:len(good)-8], i), alice)
			if r := (*directory.Refusal)(nil); asRefusal(err, &r) {
				Expect(r.Reason).To(Equal("gateway.newTokensPerClient"))
				refused++
			}
		}
		Expect(refused).To(Equal(newTokensPerClient))
		Expect(count(&authenticationv1.TokenReview{})).To(Equal(newTokensPerClient+1), "the good one is not counted")
		Expect(verify(good[:len(good)-4]+"AAAA", bob)).To(BeAssignableToTypeOf(&access.InvalidError{}), "another address has its own")
		now = now.Add(answerFor)
		for i := range newTokensPerClient { // which have flowed in meanwhile
			_ = verify(fmt.Sprintf("%s%08d", good[:len(good)-8], 1000+i), alice)
		}
		Expect(verify(good, alice)).To(Succeed())
	})

	It("is taken until it expires, whatever is remembered of it", func(ctx SpecContext) {
		token := tokenFor(ctx, v1alpha1.TokenAudience)
		verify := func() error {
			_, err := tokens.Verify(ctx, token, access.Place{Namespace: namespace, Name: "chess.a"}, access.Use, netip.Addr{})
			return err
		}
		now = access.ExpiryOf(token).Add(-time.Second)
		Expect(verify()).To(Succeed())
		now = now.Add(time.Second)
		Expect(verify()).To(BeAssignableToTypeOf(&access.InvalidError{}))
		Expect(count(&authenticationv1.TokenReview{})).To(Equal(1), "nobody is asked of it any more")
	})

	It("says nothing while the API server does not answer, and that is not remembered", func(ctx SpecContext) {
		token := tokenFor(ctx, v1alpha1.TokenAudience)
		down = errDown
		_, err := tokens.Verify(ctx, token, access.Place{Namespace: namespace, Name: "chess.a"}, access.Use, netip.Addr{})
		Expect(err).To(refusedWith(directory.Unavailable))
		down = nil
		Expect(tokens.Verify(ctx, token, access.Place{Namespace: namespace, Name: "chess.a"}, access.Use, netip.Addr{})).To(HaveField("Right.Verbs", ContainElement(access.Use)))
	})
})

func asRefusal(err error, r **directory.Refusal) bool { return errors.As(err, r) }
