package podspec

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Claim is the volume claim behind one volume of a session.
type Claim struct {
	// Volume is its name in the pod.
	Volume string
	// Wish is the claim as it is made.
	Wish *corev1.PersistentVolumeClaim
	// Found is the claim of that name as it stands, nil if there is none.
	Found *corev1.PersistentVolumeClaim
}

// Claims returns the claims that session s of template t should have, in the template's order; none is found yet. A claim is bound to
// its Session by UID. Its name is <volume>.<session>, at most 191 characters: no volume has a dot in its name, so that no two
// sessions' claims can share one.
func Claims(t *v1alpha1.SessionTemplate, s *v1alpha1.Session) []Claim {
	var claims []Claim
	for _, c := range t.Spec.VolumeClaimTemplates {
		labels, annotations := unreserved(c.Metadata.Labels), unreserved(c.Metadata.Annotations)
		labels[v1alpha1.LabelTemplate] = t.Name
		annotations[v1alpha1.AnnotationSessionUID] = string(s.UID)
		wish := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: claimName(c.Metadata.Name, s), Namespace: s.Namespace, Labels: labels, Annotations: annotations},
			Spec:       *c.Spec.DeepCopy(),
		}
		if t.Spec.VolumeRetention != v1alpha1.VolumesRetain {
			wish.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: "Session", Name: s.Name, UID: s.UID,
			}}
		}
		claims = append(claims, Claim{Volume: c.Metadata.Name, Wish: wish})
	}
	return claims
}

func claimName(volume string, s *v1alpha1.Session) string { return volume + "." + s.Name }

// addClaims gives the pod its volumes. One of the template's own with the same name is left for the API server to refuse.
func addClaims(spec *corev1.PodSpec, t *v1alpha1.SessionTemplate, s *v1alpha1.Session) {
	for _, c := range t.Spec.VolumeClaimTemplates {
		source := &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName(c.Metadata.Name, s)}
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: c.Metadata.Name, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: source}})
	}
}

// Unusable says why the session's next epoch must not start with its claims as they were found, and for a person what to do: a claim
// is another's, or one that the session had is gone or replaced and nobody has accepted that. An empty reason: it may start, and what was
// not found may be made.
func Unusable(s *v1alpha1.Session, claims []Claim) (reason, words string) {
	for i := range claims {
		if reason, words = unusable(s, &claims[i]); reason != "" {
			return reason, words
		}
	}
	return "", ""
}

func unusable(s *v1alpha1.Session, c *Claim) (reason, words string) {
	had := UIDOf(s.Status.Volumes, c.Volume)
	switch {
	case c.Found == nil && had != "" && !accepted(s):
		return v1alpha1.ReasonVolumeLost, fmt.Sprintf("volume claim %s (%s) is gone: %s", c.Wish.Name, had, howToAccept(s))
	case c.Found == nil:
		return "", ""
	case had != "" && had != c.Found.UID && !accepted(s):
		return v1alpha1.ReasonVolumeLost, fmt.Sprintf("volume claim %s (%s) was replaced by another (%s): %s", c.Wish.Name, had, c.Found.UID, howToAccept(s))
	case c.Found.Annotations[v1alpha1.AnnotationSessionUID] != string(s.UID):
		return v1alpha1.ReasonVolumeTaken, fmt.Sprintf("volume claim %s is not this Session's: delete it, or give it to the Session with the annotation %s=%s",
			c.Wish.Name, v1alpha1.AnnotationSessionUID, s.UID)
	case c.Found.DeletionTimestamp != nil:
		return v1alpha1.ReasonVolumeLost, fmt.Sprintf("volume claim %s (%s) is being deleted: wait until it is gone; %s", c.Wish.Name, c.Found.UID, howToAccept(s))
	}
	return "", ""
}

// accepted says whether somebody lets the next epoch start with other volumes than the session had.
func accepted(s *v1alpha1.Session) bool {
	return s.Annotations[v1alpha1.AnnotationAcceptVolumes] == decimal(s.Status.Epoch+1)
}

func howToAccept(s *v1alpha1.Session) string {
	return fmt.Sprintf("to start with what there is, or a fresh one, annotate the Session %s=%d", v1alpha1.AnnotationAcceptVolumes, s.Status.Epoch+1)
}

// NoteClaims writes down in a pod which claims it is made with. All of them must be found.
func NoteClaims(pod *corev1.Pod, claims []Claim) {
	if len(claims) == 0 {
		return
	}
	notes := make([]string, 0, len(claims))
	for _, c := range claims {
		notes = append(notes, c.Volume+"="+string(c.Found.UID))
	}
	pod.Annotations[v1alpha1.AnnotationVolumes] = strings.Join(notes, ",")
}

// VolumesOf returns the volumes that a pod was made with, as NoteClaims wrote them down.
func VolumesOf(pod *corev1.Pod) []v1alpha1.VolumeReference {
	var volumes []v1alpha1.VolumeReference
	for note := range strings.SplitSeq(pod.Annotations[v1alpha1.AnnotationVolumes], ",") {
		if name, uid, ok := strings.Cut(note, "="); ok {
			volumes = append(volumes, v1alpha1.VolumeReference{Name: name, UID: types.UID(uid)})
		}
	}
	return volumes
}

// UIDOf returns the UID of the claim behind the volume of that name, empty if there is none.
func UIDOf(volumes []v1alpha1.VolumeReference, name string) types.UID {
	for _, v := range volumes {
		if v.Name == name {
			return v.UID
		}
	}
	return ""
}
