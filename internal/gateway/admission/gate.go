package admission

import (
	"net/netip"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/throttle"
)

// DefaultWakesPerClient is how many requests without a credential one address may send to sessions that sleep, in a minute: many people
// may stand behind one address.
const DefaultWakesPerClient = 6_000

// Gate says who calls, and what that one may. Now is required. It is safe for concurrent use.
type Gate struct {
	// Now is the clock.
	Now func() time.Time
	// Authority says whose a session is; nil: where that matters, requests are refused.
	Authority Authority
	// Capabilities are the keys of capability tokens; nil: none of them is good.
	Capabilities *access.Keys
	// Tokens checks those of the cluster; nil: none of them is good.
	Tokens access.Cluster
	// Proxies are those that end TLS before the gateway.
	Proxies front.Proxies
	// PlainCookies has capability tokens taken from URLs and cookies over plain HTTP too, where others can read them.
	PlainCookies bool
	// WakesPerClient bounds how many requests in a minute one address sends to sessions that sleep without a credential; zero:
	// DefaultWakesPerClient, negative: no bound.
	WakesPerClient int

	pace throttle.Each[netip.Addr] // of those without a credential
}
