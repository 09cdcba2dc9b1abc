package v1alpha1

// Prefix is the prefix of every label and annotation of ours. Nobody else may use it on a session's pod.
const Prefix = "sessions.dormouse.dev/"

// Labels.
const (
	// LabelTemplate is on every pod and every volume claim of a session: the name of its SessionTemplate.
	LabelTemplate = Prefix + "template"
	// LabelTenant is on every pod of a session that has a tenant: its name.
	LabelTenant = Prefix + "tenant"
	// LabelComponent is on the Lease of a gateway, with the value ComponentGateway.
	LabelComponent = Prefix + "component"
	// ComponentGateway is the value of LabelComponent on the Lease of a gateway, and the name of its container.
	ComponentGateway = "gateway"
)

// Annotations.
const (
	// AnnotationEpoch is on every pod of a session: its epoch, a decimal number.
	AnnotationEpoch = Prefix + "epoch"
	// AnnotationPort is on every pod of a session: the port that it serves on, as its template said when it was made.
	AnnotationPort = Prefix + "port"
	// AnnotationProtocol is on the pods of a template whose protocol is not HTTP: what that port speaks, likewise.
	AnnotationProtocol = Prefix + "protocol"
	// AnnotationSavePath is on the pods of a template with a save hook: its path, as the template said when the pod was made.
	AnnotationSavePath = Prefix + "save-path"
	// AnnotationSaveTimeout is on the same pods: how long one save may take, as Go writes a duration.
	AnnotationSaveTimeout = Prefix + "save-timeout"
	// AnnotationInput is on the pods of a session with an input: that input.
	AnnotationInput = Prefix + "input"
	// AnnotationVolumes is on the pods of a template with volume claims: name=UID of each claim that the pod was made with,
	// separated by commas.
	AnnotationVolumes = Prefix + "volumes"
	// AnnotationSessionUID is on every volume claim of a session: the UID of that Session. No other Session uses the claim.
	AnnotationSessionUID = Prefix + "session-uid"
	// AnnotationAcceptVolumes is on a Session by hand: the epoch, a decimal number, that may start with other volumes than
	// those in status.volumes. It says nothing about any other epoch.
	AnnotationAcceptVolumes = Prefix + "accept-fresh-volumes"
	// AnnotationWantedSince is on a Session that a gateway made: the time, RFC 3339 with microseconds, since when it is
	// wanted. It counts as the first activity, so that a new key costs one write and not two.
	AnnotationWantedSince = Prefix + "wanted-since"
	// AnnotationMode is on every pod of a session: the mode of its template when it was made.
	AnnotationMode = Prefix + "mode"
	// AnnotationGeneration is on every pod of a session: the generation of its template when it was made, a decimal number.
	AnnotationGeneration = Prefix + "template-generation"
	// AnnotationRevision is on every pod of a session: a hash of what its template said that a pod is made of.
	AnnotationRevision = Prefix + "template-revision"
	// AnnotationSmall is on the pods of a template that hibernates: the resources of its containers when it is small, and when it is not,
	// as the template said when the pod was made; JSON.
	AnnotationSmall = Prefix + "hibernate"
	// AnnotationStartedBy is on a Session that followed from the end or the deletion of another: the name of that one.
	AnnotationStartedBy = Prefix + "started-by"
	// AnnotationStartedFor is on a last session: the UID of the deleted Session that it runs for. None without it is taken for one.
	AnnotationStartedFor = Prefix + "started-for"
	// AnnotationWatermark is on the Lease of a gateway: the resourceVersion of Sessions up to which it has acted on all
	// that it saw. Empty or absent: it vouches for nothing yet.
	AnnotationWatermark = Prefix + "watermark"
	// AnnotationUnsettled is on the Lease of a gateway: the UIDs of at most MaxUnsettled Sessions, separated by commas,
	// for which its watermark does not vouch.
	AnnotationUnsettled = Prefix + "unsettled"
	// AnnotationPodUID is on the Lease of a gateway: the UID of the gateway's own pod.
	AnnotationPodUID = Prefix + "pod-uid"
)

// MaxUnsettled is the largest number of UIDs in AnnotationUnsettled (36 bytes each; annotations end at 256 KiB). A gateway
// that has more of them holds its watermark back instead.
const MaxUnsettled = 1000

// FieldTemplate is the selectable field of a Session that names its template. The operator's cache indexes Sessions by it.
const FieldTemplate = "spec.template"

// Finalizer is on a Session from before its first pod until its last pod has ended and its last sessions are gone, and on each pod of a session until
// how it ended is recorded.
const Finalizer = Prefix + "ended"

// Field owners.
const (
	// OwnerOperator is the field owner of the operator's writes.
	OwnerOperator = "dormouse-operator"
	// OwnerGateway is the field owner of the gateways' writes.
	OwnerGateway = "dormouse-gateway"
)

// Environment of a session's containers.
const (
	// EnvKey is the session's key.
	EnvKey = "SESSION_KEY"
	// EnvTemplate is the name of the session's template.
	EnvTemplate = "SESSION_TEMPLATE"
	// EnvTenant is the session's tenant. It is absent where the session has none.
	EnvTenant = "SESSION_TENANT"
	// EnvEpoch is the epoch of the pod, a decimal number that grows with each pod of the session.
	EnvEpoch = "SESSION_EPOCH"
	// EnvFence is a decimal number that grows with each pod of the key, also over a Session that was deleted and made
	// again: the Session's creation time in seconds shifted left by 20 bits, plus the epoch. Write it beside the state and
	// refuse a writer with a lower one.
	EnvFence = "SESSION_FENCE"
	// EnvPodUID is the UID of the pod, by the downward API: what a pod answers at the identity path of its template.
	EnvPodUID = "SESSION_POD_UID"
	// EnvInput is InputFile, where the session has an input.
	EnvInput = "SESSION_INPUT"
)

// InputFile is where the containers of a session find its input, if it has one. Nothing else of the pod can be mounted in its
// folder.
const InputFile = "/run/dormouse/input"

// Headers of requests to a session's pod. A client's own headers of these names are dropped.
const (
	// HeaderKey is the session's key, percent-encoded where a header could not carry it.
	HeaderKey = "Session-Key"
	// HeaderEpoch is the epoch that the request was admitted for.
	HeaderEpoch = "Session-Epoch"
	// HeaderCaller is who sent the request, by a credential that was checked, percent-encoded; absent where that is not known.
	HeaderCaller = "Session-Caller"
	// HeaderGroups are the groups that the credential gives the caller, each percent-encoded, separated by commas.
	HeaderGroups = "Session-Caller-Groups"
	// HeaderConnection is on the upgrade of a WebSocket that stays open while the session sleeps: a name of that connection, letters
	// and digits, that no other has.
	HeaderConnection = "Session-Connection"
	// HeaderResumed is on the upgrade that opens such a connection again, and not HeaderConnection: the same name.
	HeaderResumed = "Session-Resumed"
)

// Headers of a pod's answers, also of one that switches protocols. The gateway reads them and takes them out. Each is a Go
// duration or a number of seconds; what is neither, or outside the bounds, is ignored and counted. What a pod said ends with it.
const (
	// HeaderIdleAfter is after how long without a request the session falls asleep, in the place of the template's idle.after,
	// from this answer on until another says otherwise: up to 720h; less than 1s counts as 1s. 0: as soon as nobody is there;
	// the next request ends that, and the template's holds again.
	HeaderIdleAfter = "Session-Idle-After"
	// HeaderBusy is how long from this answer the session stays awake at least, whatever its idle time: up to 24h. A later
	// answer renews or shortens it; 0 ends it.
	HeaderBusy = "Session-Busy"
)

// Headers of the gateway's own answers.
const (
	// HeaderReason is on every answer that the gateway gives itself: a short constant word per reason.
	HeaderReason = "Dormouse-Reason"
)
