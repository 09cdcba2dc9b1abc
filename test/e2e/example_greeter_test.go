package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

var _ = It("plays the greeter: any name, and an end by itself", func(ctx SpecContext) {
	tells(ctx, "03-greeter", "greeter", []string{
		"Any name has a greeter of its own: with spaces, umlauts, emoji, slashes, quotes, or a kilobyte long. (001-08, 001-09, 001-10)",
		"Names that look alike are not the same one. (001-09)",
		"The same name again, while its greeter runs: the same greeter answers. (001-19)",
		"What is no name is refused, and nothing is made for it.",
		"kill -9 in the midst of its work: the next greeter is started at once, though nobody asks. (001-02)",
		"A greeter that has done its work ends by itself, and is not started again. (001-02, 001-04)",
		"How it ended, and its last words, can be read when it is gone. (001-18)",
		"Who asks for that name later gets a new greeter.",
		"When all have done their work, nothing is left of any name: no pod, no Session. (001-11)",
	})
}, SpecTimeout(5*time.Minute))
