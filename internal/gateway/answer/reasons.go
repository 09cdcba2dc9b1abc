package answer

import "net/http"

// Reason is why the gateway answered itself: one constant word, in the header Dormouse-Reason and in the problem document.
type Reason string

// The reasons.
const (
	// ReasonBadHost is a request without a Host, or with one that is no host name and no IP address.
	ReasonBadHost Reason = "BadHost"
	// ReasonBadHello is a raw connection that does not begin with a TLS ClientHello, or not in time.
	ReasonBadHello Reason = "BadHello"
	// ReasonBadTarget is a request target that is no path: absolute-form, "*", or one with a fragment.
	ReasonBadTarget Reason = "BadTarget"
	// ReasonBadKey is a key that a route cannot carry: a dot segment, an encoded slash, bytes that are not UTF-8, two of them.
	ReasonBadKey Reason = "BadKey"
	// ReasonForeignOrigin is a WebSocket that a page of another host opens, where a cookie says which session it is for.
	ReasonForeignOrigin Reason = "ForeignOrigin"
	// ReasonMethodNotAllowed is CONNECT or TRACE.
	ReasonMethodNotAllowed Reason = "MethodNotAllowed"
	// ReasonNoRoute is a request that no route of any template matches.
	ReasonNoRoute Reason = "NoRoute"
	// ReasonSlashMissing is a path that ends with the key: the client is sent to the same with a slash, so that the
	// application's relative links are right.
	ReasonSlashMissing Reason = "SlashMissing"
	// ReasonHTTPSOnly is a request without TLS where that is wanted: the client is sent to the same with it.
	ReasonHTTPSOnly Reason = "HTTPSOnly"
	// ReasonKeyRejected is a key that does not match its template's key.pattern.
	ReasonKeyRejected Reason = "KeyRejected"
	// ReasonNotFound is a key without a Session, where the template makes none for a request.
	ReasonNotFound Reason = "NotFound"
	// ReasonUnauthenticated is a request without a good credential, where it needs one.
	ReasonUnauthenticated Reason = "Unauthenticated"
	// ReasonForbidden is a caller who may not do this to this session.
	ReasonForbidden Reason = "Forbidden"
	// ReasonCookieSet is a URL with a capability token: the browser is sent to the same without it, and has a cookie from then on.
	ReasonCookieSet Reason = "CookieSet"
	// ReasonGone is a session that has ended for good, or is being deleted.
	ReasonGone Reason = "Gone"
	// ReasonStartFailed is a session that could not start, and is not tried again yet.
	ReasonStartFailed Reason = "StartFailed"
	// ReasonSuspended is a session that its spec.suspend keeps asleep.
	ReasonSuspended Reason = "Suspended"
	// ReasonLimitReached is a limit of the template or of the cluster that allows no further session.
	ReasonLimitReached Reason = "LimitReached"
	// ReasonUnavailable is an API server that cannot be asked, a gateway whose view of the sessions is stale, or one that ends.
	ReasonUnavailable Reason = "Unavailable"
	// ReasonNotWoken is a request for a sleeping session that asks not to wake it, or is of a kind that never does.
	ReasonNotWoken Reason = "NotWoken"
	// ReasonWaking is a session that is on its way, for a browser that is shown a page meanwhile.
	ReasonWaking Reason = "Waking"
	// ReasonTooManyWaiting is a request that found as many waiting as may.
	ReasonTooManyWaiting Reason = "TooManyWaiting"
	// ReasonWakeTimeout is a session that was not there within wake.timeout.
	ReasonWakeTimeout Reason = "WakeTimeout"
	// ReasonUnsettled is a session that came and went so often while the request waited that the gateway gave up.
	ReasonUnsettled Reason = "Unsettled"
	// ReasonPodDied is a pod that was gone after it had got a part of the request. Nobody knows whether it acted on it.
	ReasonPodDied Reason = "PodDied"
	// ReasonPodUnreachable is a pod that hung up again and again before it got one byte of the request.
	ReasonPodUnreachable Reason = "PodUnreachable"
	// ReasonBadAnswer is a pod whose answer is not HTTP.
	ReasonBadAnswer Reason = "BadAnswer"
	// ReasonBadBody is a client whose body is malformed, or ends too early.
	ReasonBadBody Reason = "BadBody"
	// ReasonSlowBody is a client that sent nothing of its body for too long.
	ReasonSlowBody Reason = "SlowBody"
	// ReasonInternal is a fault of the gateway.
	ReasonInternal Reason = "Internal"

	// The others are of the Session API alone.

	// ReasonExists is a session that is there already, and is another than the one that was to be made.
	ReasonExists Reason = "ExistsOtherwise"
	// ReasonReplaced is a session that is not the one of the UID that the caller named.
	ReasonReplaced Reason = "Replaced"
	// ReasonTooLarge is a body, a line or an input that is larger than may be, or a batch of too many lines.
	ReasonTooLarge Reason = "TooLarge"
	// ReasonFormerPod is a call of a pod that is not the one that its session has now.
	ReasonFormerPod Reason = "FormerPod"
	// ReasonNotPublished is a call of a pod that serves not yet, or not any more.
	ReasonNotPublished Reason = "NotPublished"
	// ReasonTooManyCalls is a pod that calls more often than it may.
	ReasonTooManyCalls Reason = "TooManyCalls"
)

// answers has the status of each reason, and the one sentence for it.
var answers = map[Reason]struct {
	status int
	title  string
}{
	ReasonBadHost:          {http.StatusBadRequest, "The Host of the request is not a host name."},
	ReasonBadHello:         {http.StatusBadRequest, "The connection does not begin with a TLS ClientHello."},
	ReasonBadTarget:        {http.StatusBadRequest, "The target of the request is not a path."},
	ReasonBadKey:           {http.StatusBadRequest, "The key in the request is malformed."},
	ReasonForeignOrigin:    {http.StatusForbidden, "The page that opens the WebSocket is of another host."},
	ReasonMethodNotAllowed: {http.StatusMethodNotAllowed, "The method is not allowed here."},
	ReasonNoRoute:          {http.StatusNotFound, "No route matches the request."},
	ReasonSlashMissing:     {http.StatusPermanentRedirect, "The path needs a slash at its end."},
	ReasonHTTPSOnly:        {http.StatusPermanentRedirect, "The request needs TLS."},
	ReasonKeyRejected:      {http.StatusNotFound, "No session can have this key."},
	ReasonNotFound:         {http.StatusNotFound, "There is no session with this key."},
	ReasonUnauthenticated:  {http.StatusUnauthorized, "The request needs a credential."},
	ReasonForbidden:        {http.StatusForbidden, "The caller may not do this."},
	ReasonCookieSet:        {http.StatusSeeOther, "The token in the URL is a cookie now."},
	ReasonGone:             {http.StatusGone, "The session has ended."},
	ReasonStartFailed:      {http.StatusServiceUnavailable, "The session could not start."},
	ReasonSuspended:        {http.StatusServiceUnavailable, "The session is suspended."},
	ReasonLimitReached:     {http.StatusServiceUnavailable, "A limit allows no further session."},
	ReasonUnavailable:      {http.StatusServiceUnavailable, "The session cannot be woken at the moment."},
	ReasonNotWoken:         {http.StatusServiceUnavailable, "The session sleeps, and this request does not wake it."},
	ReasonWaking:           {http.StatusServiceUnavailable, "The session is waking."},
	ReasonTooManyWaiting:   {http.StatusServiceUnavailable, "Too many requests are waiting."},
	ReasonWakeTimeout:      {http.StatusGatewayTimeout, "The session did not wake in time."},
	ReasonUnsettled:        {http.StatusServiceUnavailable, "The session came and went while the request waited."},
	ReasonPodDied:          {http.StatusBadGateway, "The session ended while it had the request."},
	ReasonPodUnreachable:   {http.StatusBadGateway, "The session's pod did not take the request."},
	ReasonBadAnswer:        {http.StatusBadGateway, "The session's answer was malformed."},
	ReasonBadBody:          {http.StatusBadRequest, "The body of the request is malformed."},
	ReasonSlowBody:         {http.StatusRequestTimeout, "The body of the request came too slowly."},
	ReasonInternal:         {http.StatusInternalServerError, "The gateway failed."},

	ReasonExists:       {http.StatusConflict, "There is another session with this key."},
	ReasonReplaced:     {http.StatusConflict, "The session is not the one that was meant."},
	ReasonTooLarge:     {http.StatusRequestEntityTooLarge, "The request is larger than it may be."},
	ReasonFormerPod:    {http.StatusForbidden, "The pod is not the one that the session has now."},
	ReasonNotPublished: {http.StatusConflict, "The pod does not serve its session at the moment."},
	ReasonTooManyCalls: {http.StatusTooManyRequests, "The pod calls more often than it may."},
}

// What became of a request that failed, in the member "outcome" of a problem document.
const (
	// OutcomeUnknown: a pod got a part of the request or all of it, and may have acted on it.
	OutcomeUnknown = "unknown"
	// OutcomeNotSent: no pod got one byte of the request. It is safe to send it again.
	OutcomeNotSent = "not-sent"
)
