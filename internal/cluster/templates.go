package cluster

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/accesspolicy"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/route"
)

// defaultWake is wake.timeout where a template does not say it: that of the API.
const defaultWake = time.Minute

// Rules are what a template says of how its sessions fall asleep.
type Rules struct {
	IdleAfter        time.Duration // zero: not known
	CountConnections bool
	CountBytes       bool
}

// templates takes the feed of SessionTemplates, and keeps what a gateway needs of them.
type templates struct {
	publish func([]resolve.Template) // the sound ones, oldest first
	synced  func()                   // a list is complete
	log     *slog.Logger

	listed  map[directory.ID]struct{} // by the list that is coming in; only the feed uses it
	changed bool                      // since the last publish; likewise

	mu    sync.Mutex
	known map[directory.ID]*known
}

// known is what is known of one template.
type known struct {
	template resolve.Template
	rules    Rules
	pattern  string
	revision string            // UID and generation, which change with the spec
	born     metav1.ObjectMeta // its name, and when it was made
	fault    string            // why it is not published; empty: it is
	limit    *int32            // limits.sessions
	counted  int32             // sessions, by the operator
	created  int32             // by this gateway since the operator last counted
	latest   time.Time         // of those

	perMinute       *int32 // limits.createsPerMinute
	tenantPerMinute *int32 // limits.perTenant.createsPerMinute
	creates         bucket // of this gateway
}

func (t *templates) begin() { t.listed = map[directory.ID]struct{}{} }

func (t *templates) put(o client.Object, _ uint64, listed bool) {
	template := o.(*v1alpha1.SessionTemplate)
	id := idOf(template)
	if listed {
		t.listed[id] = struct{}{}
	}
	t.changed = true
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.known[id]
	now := knownOf(template, old)
	if now.fault != "" && (old == nil || old.fault != now.fault) {
		t.log.Warn("template left out", "namespace", id.Namespace, "template", id.Name, "error", now.fault)
	}
	if t.known == nil {
		t.known = map[directory.ID]*known{}
	}
	t.known[id] = now
}

func (t *templates) remove(o client.Object, _ uint64) {
	t.changed = true
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, idOf(o))
}

func (t *templates) end(uint64) {
	t.changed = true
	t.mu.Lock()
	for id := range t.known {
		if _, ok := t.listed[id]; !ok {
			delete(t.known, id)
		}
	}
	t.mu.Unlock()
	t.listed = nil
	t.tell()
	t.synced()
}

func (t *templates) seen(uint64) { t.tell() }

func (t *templates) tell() {
	if !t.changed {
		return
	}
	t.changed = false
	t.publish(t.sound())
}

// sound are the templates without a fault, oldest first: of two with the same route, the older one has it.
func (t *templates) sound() []resolve.Template {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*known
	for _, k := range t.known {
		if k.fault == "" {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *known) int {
		return route.Compare(&a.born, &b.born)
	})
	sound := make([]resolve.Template, len(all))
	for i, k := range all {
		sound[i] = k.template
	}
	return sound
}

// rules are what the template of a Session says. Without one, open connections count, as they do by default.
func (t *templates) rules(s *v1alpha1.Session) Rules {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.known[directory.ID{Namespace: s.Namespace, Name: s.Spec.Template}]; k != nil {
		return k.rules
	}
	return Rules{CountConnections: true}
}

// reserve counts a Session of a template that this gateway is about to make, and says whether it may: requests may bring about
// as many as the limit, those that the operator counted and those that this gateway has made since. A count that stays the same
// includes those that were made long ago, and leaves out as many that have been deleted.
func (t *templates) reserve(id directory.ID, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[id]
	if k == nil {
		return true
	}
	if now.Sub(k.latest) > 2*countLag {
		k.created = 0
	}
	if k.limit != nil && k.counted+k.created >= *k.limit {
		return false
	}
	k.created++
	k.latest = now
	return true
}

// unmade takes back that a Session was to be made.
func (t *templates) unmade(id directory.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := t.known[id]; k != nil && k.created > 0 {
		k.created--
	}
}

// paceOf is how long nobody may need a session until something is done to it: it is saved, it is small, or it falls asleep.
func paceOf(spec *v1alpha1.SessionTemplateSpec) time.Duration {
	pace := durationOf(spec.Idle.After, 0)
	if spec.Save != nil {
		pace = min(pace, durationOf(spec.Save.After, pace))
	}
	if spec.Hibernate != nil {
		pace = min(pace, spec.Hibernate.After.Duration)
	}
	return pace
}

// rulesOf are the rules of a template. What it does not say is as the API's defaults have it.
func rulesOf(spec *v1alpha1.SessionTemplateSpec) Rules {
	counts := spec.Idle.Counts
	return Rules{
		IdleAfter:        paceOf(spec),
		CountConnections: counts != v1alpha1.CountsRequests && counts != v1alpha1.CountsBytes,
		CountBytes:       counts == v1alpha1.CountsBytes,
	}
}

func knownOf(t *v1alpha1.SessionTemplate, old *known) *known {
	spec := &t.Spec
	k := &known{
		template: resolve.Template{
			Namespace:   t.Namespace,
			Name:        t.Name,
			Create:      spec.Key.OnMissing == v1alpha1.MissingCreate,
			Routes:      routesOf(spec.Routes),
			WakeTimeout: durationOf(spec.Wake.Timeout, defaultWake),
			MaxHeld:     int(spec.Wake.MaxHeld),
			IdleAfter:   paceOf(spec),
			Raw:         spec.Protocol == v1alpha1.ProtocolTCP,
			Hibernates:  spec.Idle.HibernateConnections,
		},
		limit: t.Spec.Limits.Sessions,

		perMinute:       t.Spec.Limits.CreatesPerMinute,
		tenantPerMinute: t.Spec.Limits.PerTenant.CreatesPerMinute,
		revision:        fmt.Sprintf("%s/%d", t.UID, t.Generation),
		counted:         t.Status.Sessions.Total,
		rules:           rulesOf(spec),
		pattern:         spec.Key.Pattern,
		born:            metav1.ObjectMeta{Namespace: t.Namespace, Name: t.Name, CreationTimestamp: t.CreationTimestamp},
	}
	if spec.Wake.Ready != nil {
		k.template.ReadyPath = spec.Wake.Ready.Path
	}
	if spec.Identity != nil {
		k.template.IdentityPath, k.template.IdentityPort = spec.Identity.Path, int(spec.Identity.Port)
	}
	if old != nil {
		k.creates = old.creates
	}
	if old != nil && old.counted == k.counted {
		k.created, k.latest = old.created, old.latest
	}
	k.judge(t, old)
	return k
}

// judge compiles the pattern, unless the old one will do, and finds the fault of the template.
func (k *known) judge(t *v1alpha1.SessionTemplate, old *known) {
	var err error
	if k.template.Pattern, err = patternOf(k.pattern, old); err != nil {
		k.fault = err.Error()
	}
	if k.template.Access, err = policyOf(t, k.revision, old); err != nil {
		k.fault = err.Error()
	}
	if c := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionAccepted); c != nil && c.Status == metav1.ConditionFalse {
		k.fault = c.Reason
	}
}

// policyOf reads keys only when the template has changed.
func policyOf(t *v1alpha1.SessionTemplate, revision string, old *known) (*access.Policy, error) {
	if old != nil && old.revision == revision && old.fault == "" {
		return old.template.Access, nil
	}
	return accesspolicy.For(&t.Spec)
}

func patternOf(pattern string, old *known) (*regexp.Regexp, error) {
	if old != nil && old.pattern == pattern && old.template.Pattern != nil {
		return old.template.Pattern, nil
	}
	return key.Pattern(pattern)
}

func routesOf(from []v1alpha1.Route) []resolve.Route {
	routes := make([]resolve.Route, len(from))
	for i, r := range from {
		routes[i] = resolve.Route{Host: r.Host, Path: r.Path, Header: r.Header, Cookie: r.Cookie, Query: r.Query, Claim: r.Claim}
	}
	return routes
}

func durationOf(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}
