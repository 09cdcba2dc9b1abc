package e2e

import (
	"net/http"
	"time"

	"github.com/coder/websocket"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("leaves the other keys alone when the process of one is killed and another is stuck (001-07, 003-01, 003-02, 003-03, 003-13, 003-15, 004-14)", func(ctx SpecContext) {
	w := Given(ctx, "neighbours")
	g := w.gateways[0]
	for _, key := range []string{"killed", "stuck", "open"} {
		Expect(w.Get(ctx, key)).To(Served(key, 1))
	}
	before := w.Get(ctx, "open")
	conn, _, err := websocket.Dial(ctx, g.url(w.path("open")+"ws"), &websocket.DialOptions{HTTPClient: g.client})
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = conn.CloseNow() }()
	stuck := make(chan answer, 1)
	go func() {
		a, err := g.do(ctx, http.MethodGet, w.path("stuck")+"slow?d=40s")
		if err != nil {
			a.Body = err.Error()
		}
		stuck <- a
	}()

	Expect(cl.kill(ctx, w.Pod(ctx, "killed"))).To(Equal(1))

	Expect(w.Get(ctx, "killed")).To(Served("killed", 2))
	Expect(conn.Write(ctx, websocket.MessageText, []byte("still there?"))).To(Succeed())
	_, echo, err := conn.Read(ctx)
	Expect(err).NotTo(HaveOccurred(), "a connection to one key went with the process of another")
	Expect(string(echo)).To(Equal("still there?"))
	after := w.Get(ctx, "open")
	Expect(after).To(Served("open", 1))
	Expect(after.UID).To(Equal(before.UID))
	Expect(stuck).NotTo(Receive(), "all this was while one key was stuck")

	var late answer
	Eventually(ctx, stuck).Should(Receive(&late))
	Expect(late).To(Served("stuck", 1))
	say("with one key killed and one stuck, another one answered in %s", ms(after.Took))
}, SpecTimeout(5*time.Minute))
