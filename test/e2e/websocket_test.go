package e2e

import (
	"time"

	"github.com/coder/websocket"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("keeps a session awake while a WebSocket is open, and lets it sleep afterwards (004-20)", func(ctx SpecContext) {
	w := Given(ctx, "websocket", Idle(time.Second))
	g := w.gateways[0]
	conn, response, err := websocket.Dial(ctx, g.url(w.path("a")+"ws"), &websocket.DialOptions{HTTPClient: g.client})
	Expect(err).NotTo(HaveOccurred())
	Expect(response.StatusCode).To(Equal(101))
	defer func() { _ = conn.CloseNow() }()

	Consistently(ctx, func(ctx SpecContext) v1alpha1.SessionPhase { return w.Session(ctx, "a").Status.Phase }).
		WithTimeout(5*time.Second).WithPolling(50*time.Millisecond).
		Should(Equal(v1alpha1.PhaseAwake), "an open connection counts, though nothing is said")
	Expect(conn.Write(ctx, websocket.MessageText, []byte("still there?"))).To(Succeed())
	_, echo, err := conn.Read(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(echo)).To(Equal("still there?"))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))

	Expect(conn.Close(websocket.StatusNormalClosure, "")).To(Succeed())
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
}, SpecTimeout(5*time.Minute))
