package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/coder/websocket"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Hibernating keeps WebSockets open while sessions sleep.
func Hibernating() option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Idle.Counts, t.Spec.Idle.HibernateConnections = v1alpha1.CountsBytes, true
	}
}

var _ = It("keeps clients connected while the room sleeps, and wakes it when one of them speaks (004-20, 000-11)", func(ctx SpecContext) {
	w := Given(ctx, "hibernated", Idle(2*time.Second), Hibernating(), Saved())
	var clients []*websocket.Conn
	for _, g := range w.gateways {
		conn, _, err := websocket.Dial(ctx, g.url(w.path("a")+"ws"), &websocket.DialOptions{HTTPClient: g.client})
		Expect(err).NotTo(HaveOccurred())
		defer func() { _ = conn.CloseNow() }()
		clients = append(clients, conn)
	}
	for night := range int64(3) {
		for i, c := range clients {
			text := fmt.Sprintf("night %d, client %d", night, i)
			Expect(c.Write(ctx, websocket.MessageText, []byte(text))).To(Succeed())
			Expect(heard(ctx, c)).To(Equal(text))
		}
		Expect(w.Session(ctx, "a").Status.Epoch).To(Equal(1+night), "one pod for each night")
		w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	}
	Consistently(ctx, func(ctx SpecContext) v1alpha1.SessionPhase { return w.Session(ctx, "a").Status.Phase }).
		WithTimeout(3*time.Second).WithPolling(100*time.Millisecond).
		Should(Equal(v1alpha1.PhaseAsleep), "open connections do not wake it")
	for _, c := range clients {
		Expect(c.Close(websocket.StatusNormalClosure, "")).To(Succeed())
	}
}, SpecTimeout(5*time.Minute))

// heard is the next message.
func heard(ctx context.Context, c *websocket.Conn) (string, error) {
	_, p, err := c.Read(ctx)
	return string(p), err
}
