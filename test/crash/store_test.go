package crash

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// id names an object of a kind.
type id struct {
	kind string
	key  client.ObjectKey
}

func idOf(o runtime.Object) id {
	kind := reflect.TypeOf(o).Elem().Name()
	if o, ok := o.(client.Object); ok {
		return id{kind, client.ObjectKeyFromObject(o)}
	}
	return id{kind: strings.TrimSuffix(kind, "List")}
}

func (i id) resource() schema.GroupResource {
	return schema.GroupResource{Resource: strings.ToLower(i.kind) + "s"}
}

// shelf is objects as somebody knows them. They are never changed in place, so that shelves share them.
type shelf map[id]client.Object

// get reads one object.
func (s shelf) get(key client.ObjectKey, into client.Object) error {
	at := id{idOf(into).kind, key}
	o := s[at]
	if o == nil {
		return apierrors.NewNotFound(at.resource(), key.Name)
	}
	fill(into, o)
	return nil
}

// list reads those of a namespace that have all labels, by name.
func (s shelf) list(into client.ObjectList, opts ...client.ListOption) error {
	options := client.ListOptions{}
	options.ApplyOptions(opts)
	var found []runtime.Object
	for _, at := range s.sorted(idOf(into).kind) {
		o := s[at]
		inside := options.Namespace == "" || options.Namespace == at.key.Namespace
		if inside && (options.LabelSelector == nil || options.LabelSelector.Matches(labels.Set(o.GetLabels()))) {
			found = append(found, o.DeepCopyObject())
		}
	}
	return meta.SetList(into, found)
}

func (s shelf) sorted(kind string) []id {
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(s)), func(i id) bool { return i.kind != kind })
	slices.SortFunc(ids, byName)
	return ids
}

func byName(a, b id) int { return cmp.Compare(a.key.String(), b.key.String()) }

func fill(into, from client.Object) {
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(from.DeepCopyObject()).Elem())
}

// change is an object as it was written; nil: it is gone.
type change struct {
	id      id
	now     client.Object
	version int64
}

// store is an API server in memory.
type store struct {
	client.WithWatch // what nobody here asks for
	objects          shelf
	now              func() time.Time
	version          int64
	made             int
	log              []change      // all that was ever written
	wrote            chan struct{} // closed with the next write
}

func newStore(now func() time.Time) *store {
	return &store{objects: shelf{}, now: now, version: 100, wrote: make(chan struct{})}
}

func (s *store) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	return s.objects.get(key, into)
}

func (s *store) List(_ context.Context, into client.ObjectList, opts ...client.ListOption) error {
	return s.objects.list(into, opts...)
}

func (s *store) put(at id, o client.Object) {
	s.version++
	if o == nil {
		delete(s.objects, at)
	} else {
		o.SetResourceVersion(strconv.FormatInt(s.version, 10))
		o.SetManagedFields(nil)
		s.objects[at] = o
	}
	s.log = append(s.log, change{at, o, s.version})
	close(s.wrote)
	s.wrote = make(chan struct{})
}

func (s *store) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	at := idOf(o)
	if s.objects[at] != nil {
		return apierrors.NewAlreadyExists(at.resource(), at.key.Name)
	}
	s.made++
	next := o.DeepCopyObject().(client.Object)
	next.SetUID(types.UID(fmt.Sprintf("%s-%d", strings.ToLower(at.kind), s.made)))
	next.SetCreationTimestamp(metav1.NewTime(s.now().Truncate(time.Second)))
	next.SetGeneration(1)
	switch next := next.(type) {
	case *v1alpha1.Session:
		next.Status = v1alpha1.SessionStatus{}
	case *corev1.Pod:
		next.Status = corev1.PodStatus{Phase: corev1.PodPending}
		if next.Spec.TerminationGracePeriodSeconds == nil {
			next.Spec.TerminationGracePeriodSeconds = ptr.To(int64(30))
		}
	}
	s.put(at, next)
	fill(o, next)
	return nil
}

// part of an object that a write may change.
type part int

const (
	main part = iota
	status
	resize
)

func (s *store) Update(_ context.Context, o client.Object, _ ...client.UpdateOption) error {
	return s.update(o, o.DeepCopyObject().(client.Object), main)
}

func (s *store) Patch(_ context.Context, o client.Object, patch client.Patch, _ ...client.PatchOption) error {
	return s.patch(o, patch, main)
}

func (s *store) patch(o client.Object, patch client.Patch, of part) error {
	now := s.objects[idOf(o)]
	if now == nil {
		return apierrors.NewNotFound(idOf(o).resource(), o.GetName())
	}
	words, err := patch.Data(o)
	if err != nil {
		return err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if patch.Type() == types.StrategicMergePatchType {
		text, err = strategicpatch.StrategicMergePatch(text, words, now)
	} else {
		text, err = jsonpatch.MergePatch(text, words)
	}
	if err != nil {
		return err
	}
	next := reflect.New(reflect.TypeOf(o).Elem()).Interface().(client.Object)
	if err := json.Unmarshal(text, next); err != nil {
		return err
	}
	return s.update(o, next, of)
}

// update puts next in the place of what is there, as far as a write of that part may, and gives what is there then.
func (s *store) update(out, next client.Object, of part) error {
	at := idOf(next)
	now := s.objects[at]
	switch {
	case now == nil:
		return apierrors.NewNotFound(at.resource(), at.key.Name)
	case next.GetResourceVersion() != "" && next.GetResourceVersion() != now.GetResourceVersion(),
		next.GetUID() != "" && next.GetUID() != now.GetUID():
		return apierrors.NewConflict(at.resource(), at.key.Name, errors.New("the object has been modified"))
	}
	next = only(of, now, next)
	if now.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) > len(now.GetFinalizers()) {
		return apierrors.NewForbidden(at.resource(), at.key.Name, errors.New("no new finalizers can be added if the object is being deleted"))
	}
	next.SetManagedFields(nil)
	if equality.Semantic.DeepEqual(now, next) {
		fill(out, now)
		return nil
	}
	if !equality.Semantic.DeepEqual(specOf(now), specOf(next)) {
		next.SetGeneration(now.GetGeneration() + 1)
	}
	s.putOrDrop(at, next)
	fill(out, next)
	return nil
}

func specOf(o client.Object) any {
	if spec := reflect.ValueOf(o).Elem().FieldByName("Spec"); spec.IsValid() {
		return spec.Interface()
	}
	return nil
}

// only is now with that part of next, and all that no write changes.
func only(of part, now, next client.Object) client.Object {
	out := next.DeepCopyObject().(client.Object)
	if of != main {
		out = now.DeepCopyObject().(client.Object)
	}
	from := now
	if of == status {
		from = next
	}
	switch out := out.(type) {
	case *v1alpha1.Session:
		from.(*v1alpha1.Session).Status.DeepCopyInto(&out.Status)
	case *corev1.Pod:
		from.(*corev1.Pod).Status.DeepCopyInto(&out.Status)
		if of == resize {
			next.(*corev1.Pod).Spec.DeepCopyInto(&out.Spec)
		}
	}
	out.SetResourceVersion(now.GetResourceVersion())
	out.SetUID(now.GetUID())
	out.SetCreationTimestamp(now.GetCreationTimestamp())
	out.SetGeneration(now.GetGeneration())
	out.SetDeletionTimestamp(now.GetDeletionTimestamp())
	out.SetDeletionGracePeriodSeconds(now.GetDeletionGracePeriodSeconds())
	return out
}

// finished says whether nothing keeps an object any more that is being deleted.
func finished(o client.Object) bool {
	return o.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0 && ptr.Deref(o.GetDeletionGracePeriodSeconds(), 0) == 0
}

func (s *store) Delete(_ context.Context, o client.Object, opts ...client.DeleteOption) error {
	options := client.DeleteOptions{}
	options.ApplyOptions(opts)
	at := idOf(o)
	now := s.objects[at]
	if now == nil {
		return apierrors.NewNotFound(at.resource(), at.key.Name)
	}
	if p := options.Preconditions; p != nil && (ptr.Deref(p.UID, now.GetUID()) != now.GetUID() || ptr.Deref(p.ResourceVersion, now.GetResourceVersion()) != now.GetResourceVersion()) {
		return apierrors.NewConflict(at.resource(), at.key.Name, errors.New("the precondition does not hold"))
	}
	grace := graceOf(now, options.GracePeriodSeconds)
	if given := now.GetDeletionGracePeriodSeconds(); now.GetDeletionTimestamp() != nil && *given <= grace {
		return nil
	}
	next := now.DeepCopyObject().(client.Object)
	if now.GetDeletionTimestamp() == nil {
		next.SetGeneration(now.GetGeneration() + 1)
	}
	next.SetDeletionTimestamp(ptr.To(metav1.NewTime(s.now().Truncate(time.Second).Add(time.Duration(grace) * time.Second))))
	next.SetDeletionGracePeriodSeconds(&grace)
	s.putOrDrop(at, next)
	return nil
}

// putOrDrop writes an object, unless it is gone with this write.
func (s *store) putOrDrop(at id, o client.Object) {
	if finished(o) {
		o = nil
	}
	s.put(at, o)
}

// graceOf is how long a pod has to end by itself: none, if no kubelet has it, or has had it.
func graceOf(o client.Object, asked *int64) int64 {
	pod, ok := o.(*corev1.Pod)
	if !ok || pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return 0
	}
	return ptr.Deref(asked, *pod.Spec.TerminationGracePeriodSeconds)
}

func (s *store) Status() client.SubResourceWriter { return s.SubResource("status") }

func (s *store) SubResource(name string) client.SubResourceClient {
	return &subresource{store: s, name: name}
}

type subresource struct {
	client.SubResourceClient
	store *store
	name  string
}

func (s *subresource) part() part {
	if s.name == "resize" {
		return resize
	}
	return status
}

func (s *subresource) Patch(_ context.Context, o client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.store.patch(o, patch, s.part())
}

func (s *subresource) Update(_ context.Context, o client.Object, _ ...client.SubResourceUpdateOption) error {
	return s.store.update(o, o.DeepCopyObject().(client.Object), s.part())
}

// Create binds a pod to a node.
func (s *subresource) Create(_ context.Context, o, to client.Object, _ ...client.SubResourceCreateOption) error {
	pod := s.store.objects[idOf(o)].DeepCopyObject().(*corev1.Pod)
	pod.Spec.NodeName = to.(*corev1.Binding).Target.Name
	s.store.put(idOf(pod), pod)
	return nil
}
