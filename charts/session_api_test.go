package charts

import (
	"strings"
	"testing"
)

// Without the Session API the gateways' account has none of the rights that it needs.
func TestTheSessionAPITakesItsRightsWithIt(t *testing.T) {
	on, off := render(t, "--set", "crds.enabled=false"), render(t, "--set", "crds.enabled=false", "--set", "gateway.sessionAPI.enabled=false")
	for _, text := range []string{
		"- --session-api=on\n", "- --gateway-url=http://dormouse-gateway.dormouse-system.svc:80\n", "resources: [tokenreviews]",
		"verbs: [get, list, watch, create, delete, patch] # delete: by the Session API", "name: dormouse-gateway-update",
		"k in ['template', 'key', 'owner', 'tenant', 'input', 'suspend', 'schedule', 'timeZone', 'alarms']",
	} {
		if !strings.Contains(on, text) || strings.Contains(off, text) {
			t.Errorf("%q: with the Session API %v, without %v", text, strings.Contains(on, text), strings.Contains(off, text))
		}
	}
	for _, text := range []string{"- --session-api=off\n", "object.spec.all(k, k in ['template', 'key', 'owner', 'tenant'])"} {
		if !strings.Contains(off, text) || strings.Contains(on, text) {
			t.Errorf("%q: without the Session API %v, with %v", text, strings.Contains(off, text), strings.Contains(on, text))
		}
	}
	if open := render(t, "--set", "gateway.sessionAPI.open=true"); !strings.Contains(open, "- --session-api=open\n") {
		t.Error("gateway.sessionAPI.open opens nothing")
	}
}
