package podspec_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

func keeping(names ...string) *v1alpha1.SessionTemplate {
	t := newTemplate()
	for _, name := range names {
		c := v1alpha1.VolumeClaimTemplate{Metadata: v1alpha1.VolumeClaimMetadata{Name: name}}
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
		t.Spec.VolumeClaimTemplates = append(t.Spec.VolumeClaimTemplates, c)
	}
	return t
}

func TestGoldenClaims(t *testing.T) {
	template := keeping("data", "cache")
	template.Spec.VolumeClaimTemplates[0].Metadata.Labels = map[string]string{"disk": "fast", v1alpha1.LabelTemplate: "go"}
	template.Spec.VolumeClaimTemplates[0].Metadata.Annotations = map[string]string{v1alpha1.AnnotationSessionUID: "mine"}
	var out []byte
	for _, c := range podspec.Claims(template, newSession("table-42")) {
		text, err := yaml.Marshal(c.Wish)
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, "---\n"...), text...)
	}
	golden(t, "testdata/claims.golden.yaml", out)
}

func TestRetainedClaimsHaveNoOwner(t *testing.T) {
	template := keeping("data")
	template.Spec.VolumeRetention = v1alpha1.VolumesRetain
	if owners := podspec.Claims(template, newSession("a"))[0].Wish.OwnerReferences; len(owners) > 0 {
		t.Errorf("got %v", owners)
	}
}

func TestThePodsVolumesAreTheClaims(t *testing.T) {
	template, s := keeping("data", "cache"), newSession("a")
	template.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "scratch"}}
	got := map[string]string{}
	for _, v := range podspec.For(template, s, 1).Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			got[v.Name] = v.PersistentVolumeClaim.ClaimName
		}
	}
	want := map[string]string{}
	for _, c := range podspec.Claims(template, s) {
		want[c.Volume] = c.Wish.Name
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 2 {
		t.Errorf("-claims +volumes:\n%s", diff)
	}
}

// The name of a claim is valid, whatever the key, and tells the volume and the session: no two of them share one.
func TestLawClaimNames(t *testing.T) {
	label := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		name := func(which string) (claim, volume, session string) {
			volume = label.Draw(t, "volume"+which)
			template := label.Draw(t, "template"+which)
			session, err := key.Name(template, rapid.OneOf(label, rapid.StringN(1, -1, 1024)).Draw(t, "key"+which))
			if err != nil {
				t.Skip(err)
			}
			s := newSession("a")
			s.Name = session
			return podspec.Claims(keeping(volume), s)[0].Wish.Name, volume, session
		}
		a, volumeA, sessionA := name("A")
		b, volumeB, sessionB := name("B")
		if errs := validation.IsDNS1123Subdomain(a); len(errs) > 0 {
			t.Fatalf("%q: %v", a, errs)
		}
		if (a == b) != (volumeA == volumeB && sessionA == sessionB) {
			t.Fatalf("%s of %s and %s of %s are %s and %s", volumeA, sessionA, volumeB, sessionB, a, b)
		}
	})
}

func TestLawClaimsShareNothingWithTheTemplate(t *testing.T) {
	template := keeping("data")
	template.Spec.VolumeClaimTemplates[0].Metadata.Labels = map[string]string{"a": "b"}
	template.Spec.VolumeClaimTemplates[0].Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	before := template.DeepCopy()
	for _, c := range podspec.Claims(template, newSession("a")) {
		spoil(reflect.ValueOf(c.Wish))
	}
	if diff := cmp.Diff(before, template); diff != "" {
		t.Errorf("the template changed with its claims:\n%s", diff)
	}
}

// standing is one claim as it may be found, and what the session remembers of it.
type standing struct{ had, found, owner, accepted, deleting string }

// eachStanding calls law with everything that may stand in the way of one claim: the session has UID "me" and starts epoch 5.
func eachStanding(law func(standing, *v1alpha1.Session, []podspec.Claim)) {
	for _, had := range []string{"", "old", "new"} {
		for _, found := range []string{"", "old", "new"} {
			for _, owner := range []string{"me", "another", ""} {
				for _, accepted := range []string{"", "4", "5", "6", "yes"} {
					for _, deleting := range []string{"", "deleting"} {
						st := standing{had, found, owner, accepted, deleting}
						s := newSession("a")
						s.UID, s.Status.Epoch = "me", 4
						if had != "" {
							s.Status.Volumes = []v1alpha1.VolumeReference{{Name: "other", UID: "x"}, {Name: "data", UID: types.UID(had)}}
						}
						if accepted != "" {
							s.Annotations = map[string]string{v1alpha1.AnnotationAcceptVolumes: accepted}
						}
						law(st, s, podspec.Claims(keeping("data"), s))
					}
				}
			}
		}
	}
}

func (st standing) claim(wish *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	if st.found == "" {
		return nil
	}
	found := wish.DeepCopy()
	found.UID, found.Annotations[v1alpha1.AnnotationSessionUID] = types.UID(st.found), st.owner
	if st.deleting != "" {
		found.DeletionTimestamp = ptr.To(metav1.Now())
	}
	return found
}

func TestLawNoSilentlyFreshVolume(t *testing.T) {
	usable := 0
	eachStanding(func(st standing, s *v1alpha1.Session, claims []podspec.Claim) {
		claims[0].Found = st.claim(claims[0].Wish)
		reason, words := podspec.Unusable(s, claims)
		if reason != "" {
			if v1alpha1.Messages[reason] == "" || !strings.Contains(words, "data.chess.a") {
				t.Errorf("%+v: %s: %s", st, reason, words)
			}
			return
		}
		usable++
		if st.had != "" && st.had != st.found && st.accepted != "5" {
			t.Errorf("%+v: an old key gets another volume, and nobody has accepted that", st)
		}
		if st.found != "" && (st.owner != "me" || st.deleting != "") {
			t.Errorf("%+v: a claim is used that is another's, or about to go", st)
		}
	})
	if usable == 0 {
		t.Error("no claim is ever used")
	}
}

// What has nothing against it is not held back: a first start, its repetition after a crash, a claim as it was, an accepted one.
func TestLawAUsableVolumeIsUsed(t *testing.T) {
	eachStanding(func(st standing, s *v1alpha1.Session, claims []podspec.Claim) {
		claims[0].Found = st.claim(claims[0].Wish)
		sound := st.found == "" || st.owner == "me" && st.deleting == ""
		known := st.had == "" || st.had == st.found || st.accepted == "5"
		if reason, words := podspec.Unusable(s, claims); sound && known && reason != "" {
			t.Errorf("%+v: %s: %s", st, reason, words)
		}
	})
}

func TestOneUnusableVolumeIsEnough(t *testing.T) {
	s := newSession("a")
	s.Status.Volumes = []v1alpha1.VolumeReference{{Name: "cache", UID: "old"}}
	if reason, _ := podspec.Unusable(s, podspec.Claims(keeping("data", "cache"), s)); reason != v1alpha1.ReasonVolumeLost {
		t.Errorf("got %q", reason)
	}
}

func TestThePodSaysWhatItWasMadeWith(t *testing.T) {
	template, s := keeping("data", "cache"), newSession("a")
	pod, claims := podspec.For(template, s, 1), podspec.Claims(template, s)
	for i := range claims {
		claims[i].Found = claims[i].Wish.DeepCopy()
		claims[i].Found.UID = types.UID("uid-of-" + claims[i].Volume)
	}
	podspec.NoteClaims(pod, claims)
	want := []v1alpha1.VolumeReference{{Name: "data", UID: "uid-of-data"}, {Name: "cache", UID: "uid-of-cache"}}
	if diff := cmp.Diff(want, podspec.VolumesOf(pod)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	bare := podspec.For(newTemplate(), s, 1)
	podspec.NoteClaims(bare, nil)
	if _, noted := bare.Annotations[v1alpha1.AnnotationVolumes]; noted || len(podspec.VolumesOf(bare)) > 0 {
		t.Errorf("a pod without claims says %v", bare.Annotations)
	}
}
