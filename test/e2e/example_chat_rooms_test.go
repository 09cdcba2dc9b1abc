package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

var _ = It("plays the chat rooms: names that outlive their processes, and clients that outlive both", func(ctx SpecContext) {
	tells(ctx, "06-chat-rooms", "chat-rooms", []string{
		"A look at a room that nobody has made says so, and starts nothing. (004-04)",
		"To say something in a room that is not there is an error that says so, by HTTP and by WebSocket; nothing is made. (004-10, 004-19)",
		"Any name makes a room. Who makes it again is handed the one that is there. (004-05, 004-06, 004-11, 004-18, 004-19)",
		"Who is there hears what is said, by WebSocket and by HTTP; what was said is there for whoever comes. (004-20, 004-21)",
		"The room sleeps, and its clients stay connected; a look does not wake it. (004-04)",
		"One of them speaks: both hear it, from the next process. Its memory is fresh. (004-01, 004-24)",
		"kill -9 of the room: its name works again, with fresh memory, and whoever was connected still is. (004-01, 004-03, 004-25)",
		"A room that is kept still has its talk after it has slept.",
		"A room that is closed is not found any more, and to close it again is no error. (004-12)",
	})
}, SpecTimeout(5*time.Minute))
