package e2e

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// disks are the labels of the volumes that this run has made; nothing provisions any on the local cluster.
func disks() map[string]string { return map[string]string{"dormouse-e2e": filepath.Base(cl.Folder)} }

// GivenDisk makes a volume out of an empty folder of the node, and removes both when the test ends.
func GivenDisk(ctx context.Context) {
	GinkgoHelper()
	v := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-disk-", Labels: disks()}}
	v.Spec.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}
	v.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	folder := filepath.Join(cl.Folder, "disk-"+time.Now().Format("150405.000000000"))
	v.Spec.HostPath = &corev1.HostPathVolumeSource{Path: folder, Type: ptr.To(corev1.HostPathDirectory)}
	onNode(ctx, "mkdir", "-p", folder)
	onNode(ctx, "chmod", "0777", folder) // the pod's user is not root
	DeferCleanup(func(ctx context.Context) { onNode(ctx, "rm", "-rf", folder) }, NodeTimeout(time.Minute))
	Expect(cl.api.Create(ctx, v)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(cl.api.Delete(ctx, v)).To(Succeed()) }, NodeTimeout(time.Minute))
}

// onNode runs a command on the node.
func onNode(ctx context.Context, words ...string) {
	GinkgoHelper()
	command := append(append([]string{}, cl.Shell...), words...)
	cl.run(ctx, command[0], command[1:]...)
}

// Keeping gives each session one of the disks as /data.
func Keeping() option {
	return func(t *v1alpha1.SessionTemplate) {
		c := v1alpha1.VolumeClaimTemplate{Metadata: v1alpha1.VolumeClaimMetadata{Name: "data"}}
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}
		c.Spec.StorageClassName = ptr.To("")
		c.Spec.Selector = &metav1.LabelSelector{MatchLabels: disks()}
		t.Spec.VolumeClaimTemplates = []v1alpha1.VolumeClaimTemplate{c}
		t.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	}
}

var _ = It("keeps a volume over a sleep, and one that is gone is missed until somebody accepts it (000-05)", func(ctx SpecContext) {
	GivenDisk(ctx)
	w := Given(ctx, "volume", Idle(time.Second), Keeping())
	Expect(w.ask(ctx, http.MethodPost, "a", "note?say=hello")).To(HaveField("Status", http.StatusNoContent))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Eventually(ctx, w.pods).Should(BeEmpty())

	Expect(w.ask(ctx, http.MethodGet, "a", "note")).To(And(HaveField("Status", http.StatusOK), HaveField("Body", "hello")))
	s := w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Expect(s.Status.Epoch).To(BeEquivalentTo(2))

	claim := &corev1.PersistentVolumeClaim{}
	name := client.ObjectKey{Namespace: w.namespace, Name: "data." + s.Name}
	Expect(cl.api.Get(ctx, name, claim)).To(Succeed())
	Expect(s.Status.Volumes).To(ConsistOf(v1alpha1.VolumeReference{Name: "data", UID: claim.UID}))
	Expect(cl.api.Delete(ctx, claim)).To(Succeed())
	gone := func(ctx context.Context) bool { return apierrors.IsNotFound(cl.api.Get(ctx, name, claim)) }
	Eventually(ctx, gone).Should(BeTrue())

	a := w.Get(ctx, "a")
	Expect(a).To(Refused(http.StatusServiceUnavailable, "StartFailed"))
	Expect(a.Cause).To(Equal(v1alpha1.ReasonVolumeLost))
	Expect(gone(ctx)).To(BeTrue(), "a fresh volume was claimed for an old key")
	say("503 after %s: %s: %s", ms(a.Took), a.Cause, a.Detail)

	GivenDisk(ctx) // the first is released, not free: its content is the key's
	accept := `{"metadata":{"annotations":{"` + v1alpha1.AnnotationAcceptVolumes + `":"3"}}}`
	Expect(cl.api.Patch(ctx, w.Session(ctx, "a"), client.RawPatch("application/merge-patch+json", []byte(accept)))).To(Succeed())
	Eventually(ctx, func(ctx context.Context) answer { return w.Get(ctx, "a") }).Should(Served("a", 3))
	Expect(w.ask(ctx, http.MethodGet, "a", "note")).To(HaveField("Status", http.StatusNotFound))
}, SpecTimeout(5*time.Minute))

var _ = It("hands a session its input, as it was written (001-08)", func(ctx SpecContext) {
	w := Given(ctx, "input")
	const input = "$(SESSION_KEY) $$\n日本"
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: template + ".a"}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: "a", Input: ptr.To(input)}
	Expect(cl.api.Create(ctx, s)).To(Succeed())
	Expect(w.ask(ctx, http.MethodGet, "a", "input")).To(And(HaveField("Status", http.StatusOK), HaveField("Body", input)))
}, SpecTimeout(5*time.Minute))
