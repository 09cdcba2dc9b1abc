package v1alpha1

// Condition types.
const (
	// ConditionReady of a Session: requests are being served. Of a SessionTemplate: sessions of it can be woken.
	ConditionReady = "Ready"
	// ConditionAccepted of a SessionTemplate: it is sound, and the API server took its pod in a dry run.
	ConditionAccepted = "Accepted"
	// ConditionRouted of a SessionTemplate is there only while it is False: a route of it gets no request.
	ConditionRouted = "Routed"
	// ConditionScheduled of a Session is there only while it is False: the schedule cannot be followed.
	ConditionScheduled = "Scheduled"
)

// Reasons of a Session's Ready condition.
const (
	ReasonServing            = "Serving"
	ReasonAsleep             = "Asleep"
	ReasonQueued             = "Queued"
	ReasonQueueTimeout       = "QueueTimeout"
	ReasonLimitReached       = "LimitReached"
	ReasonBeyondLimit        = "BeyondLimit"
	ReasonWaking             = "Waking"
	ReasonImagePullBackOff   = "ImagePullBackOff"
	ReasonUnschedulable      = "Unschedulable"
	ReasonDraining           = "Draining"
	ReasonWaitingForGateways = "WaitingForGateways"
	ReasonSaveFailed         = "SaveFailed"
	ReasonStopping           = "Stopping"
	ReasonPodNotEnded        = "PodNotEnded"
	ReasonStartFailed        = "StartFailed"
	ReasonStartTimeout       = "StartTimeout"
	ReasonPodRejected        = "PodRejected"
	ReasonTemplateNotFound   = "TemplateNotFound"
	ReasonNameMismatch       = "NameMismatch"
	ReasonPodNameTaken       = "PodNameTaken"
	ReasonHibernated         = "Hibernated"
	ReasonSuspended          = "Suspended"
	ReasonCompleted          = "Completed"
	ReasonGaveUp             = "GaveUp"
	ReasonStarting           = "StartingOthers"
	ReasonStartedFailed      = "StartedFailed"
	ReasonEndedTooOften      = "EndedTooOften"
	ReasonRestartsLater      = "RestartsLater"
	ReasonVolumeTaken        = "VolumeTaken"
	ReasonVolumeLost         = "VolumeLost"
	ReasonDestroying         = "Destroying"
	ReasonSessionNameTaken   = "SessionNameTaken"
	ReasonSessionRejected    = "SessionRejected"
)

// Reasons of a Session's Scheduled condition.
const (
	ReasonInvalidSchedule = "InvalidSchedule"
)

// Reasons of a SessionTemplate's conditions.
const (
	ReasonAccepted          = "Accepted"
	ReasonInvalidKeyPattern = "InvalidKeyPattern"
	ReasonInvalidAccess     = "InvalidAccess"
	ReasonInvalidHibernate  = "InvalidHibernate"
	ReasonInvalidPort       = "InvalidPort"
	ReasonInvalidPod        = "InvalidPod"
	ReasonReady             = "Ready"
	ReasonNotAccepted       = "NotAccepted"
	ReasonRouteTaken        = "RouteTaken"
)

// Messages has the one message of each reason. A condition's message never varies, so that it cannot flap; what varies
// (an exit code, a scheduler's words) stands in status.lastExit and in events.
var Messages = map[string]string{
	ReasonServing:            "Requests are served.",
	ReasonAsleep:             "Nobody needs the session. A request wakes it.",
	ReasonQueued:             "Waits for a place: a limit of the template is reached. See status.limit.",
	ReasonQueueTimeout:       "No place became free in time. See status.limit. A request queues it again.",
	ReasonLimitReached:       "A limit of the template is reached, and limits.whenFull is Reject. See status.limit. A request tries again.",
	ReasonBeyondLimit:        "As many sessions as a limit of the template allows come before this one, which never ran. See status.limit. It is deleted if a request made it; else it is let in when there is room.",
	ReasonWaking:             "The pod is starting.",
	ReasonImagePullBackOff:   "The image of the pod cannot be pulled.",
	ReasonUnschedulable:      "No node takes the pod.",
	ReasonDraining:           "Idle: requests in flight end, the state is saved, then the pod stops. A request takes it back.",
	ReasonWaitingForGateways: "A gateway has not yet confirmed that it sends nothing more to the pod; the sleep waits for it.",
	ReasonSaveFailed:         "The save request failed; the pod stays until a save succeeds.",
	ReasonStopping:           "The pod is ending.",
	ReasonPodNotEnded:        "The pod's node does not say that it has ended; no other pod is started before it has.",
	ReasonStartFailed:        "The pod ended instead of serving. See status.lastExit and status.failures.",
	ReasonStartTimeout:       "The pod did not start within wake.timeout. See status.lastExit.",
	ReasonPodRejected:        "The API server rejected the pod or a volume claim of it. See status.lastExit.",
	ReasonTemplateNotFound:   "There is no SessionTemplate of that name in the namespace.",
	ReasonNameMismatch:       "The Session's name is not the one that its template and key give.",
	ReasonPodNameTaken:       "A pod that is not the session's has the name of the session's pod.",
	ReasonVolumeTaken:        "A volume claim that is not the session's has the name of one of its claims. See status.lastExit.",
	ReasonVolumeLost:         "A volume that the session had is gone or replaced; it starts without only if somebody accepts it. See status.lastExit.",

	ReasonHibernated:    "Nobody needs the session for now: it serves with few resources. A request gives them back.",
	ReasonSuspended:     "spec.suspend keeps the session asleep.",
	ReasonCompleted:     "The session has done its work. It is never woken again.",
	ReasonGaveUp:        "The session has failed for good: an outcome of its template says so. See status.lastExit.",
	ReasonStarting:      "The session has done its work, and those that follow from it have not. See status.started.",
	ReasonStartedFailed: "A session that followed from this one has failed for good, or is gone. See status.started, or status.onDelete.",
	ReasonEndedTooOften: "The pod ended abnormally more often than restart.max. See status.lastExit and status.failures.",
	ReasonRestartsLater: "An outcome of the template has put the next pod off. See status.lastExit and status.failures.retryAt.",

	ReasonDestroying:       "The session is deleted, and goes when its last sessions are completed. See status.onDelete.",
	ReasonSessionNameTaken: "A Session that was not started for the deletion of this one has the name of a last session. See status.onDelete.",
	ReasonSessionRejected:  "The API server rejected a last session of this one, which is deleted. It is tried again. See the event of that reason.",

	ReasonInvalidSchedule: "spec.schedule or spec.timeZone cannot be followed; alarms can. See the event of that reason.",

	ReasonAccepted:          "The template is sound.",
	ReasonInvalidKeyPattern: "key.pattern is not a valid RE2 expression.",
	ReasonInvalidAccess:     "access.jwt cannot be followed: a jwks is no set of public keys. See the event of that reason.",
	ReasonInvalidHibernate:  "hibernate.resources would change the quality of service class of the pod. See the event of that reason.",
	ReasonInvalidPort:       "port names no container port of the pod template.",
	ReasonInvalidPod:        "The API server rejected the pod or a volume claim of this template in a dry run. See the event of that reason.",
	ReasonReady:             "Sessions of this template can be woken.",
	ReasonRouteTaken:        "An older template gets all requests that a route of this one would match. See status.routesTaken.",
	ReasonNotAccepted:       "Sessions of this template cannot be woken: see Accepted.",
}

// Reasons of events that are not reasons of a condition.
const (
	// EventAwake is recorded when a session is published.
	EventAwake = "Awake"
	// EventMakesRoom is recorded when a session is put to sleep before its time, because another one waits for its place.
	EventMakesRoom = "MakesRoom"
	// EventAsleep is recorded when a session's pod has ended after a sleep.
	EventAsleep = "FellAsleep"
	// EventExpired is recorded when a session is deleted because its lifetime.asleep is over.
	EventExpired = "Expired"
	// EventHibernateFailed is recorded when the API server does not let the resources of a pod be changed.
	EventHibernateFailed = "HibernateFailed"
	// EventDestroyed is recorded when all last sessions of a deleted one are completed.
	EventDestroyed = "Destroyed"
	// EventDestroySkipped is recorded when a deleted session goes although its last sessions are not completed.
	EventDestroySkipped = "DestroySkipped"
	// EventEnded is recorded when a session's pod has ended, and nobody had stopped it.
	EventEnded = "Ended"
)
