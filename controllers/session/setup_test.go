package session

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

var _ = It("keeps nobody who asks for a turn when there are none any more", func(SpecContext) {
	r := &Reconciler{again: make(chan event.GenericEvent), over: make(chan struct{})}
	close(r.over)
	r.Again(types.NamespacedName{Namespace: "games", Name: "chess.a"})
}, NodeTimeout(time.Minute))
