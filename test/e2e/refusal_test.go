package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func TestBadInputGetsWordsThatHelp(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		out := c.refused(400, "PLATFORM_UNKNOWN", "POST", "/api/v1/devices", object{"name": "a", "address": "192.0.2.1", "platform": "cisco_oops"})
		require.Equal(t, "platform", out["details"].([]any)[0].(object)["field"])
		c.do("POST", "/api/v1/devices", object{"name": "a", "address": "192.0.2.1", "platform": "cisco_ios"})
		c.refused(409, "DEVICE_EXISTS", "POST", "/api/v1/devices", object{"name": "A", "address": "192.0.2.2", "platform": "cisco_ios"})
		c.refused(400, "BODY_INVALID", "POST", "/api/v1/devices", object{"name": "b", "colour": "red"})
		c.refused(400, "BODY_INVALID", "POST", "/api/v1/devices", "{")
		c.refused(404, "DEVICE_NOT_FOUND", "GET", "/api/v1/devices/nope", nil)
		c.refused(404, "PATH_NOT_FOUND", "GET", "/api/v1/nothing", nil)
		c.refused(400, "KIND_UNKNOWN", "POST", "/api/v1/runs", object{"kind": "dance", "all": true})
		c.refused(400, "SELECTION_EMPTY", "POST", "/api/v1/runs", object{"kind": "backup"})
		c.refused(400, "PAGE_TOKEN_INVALID", "GET", "/api/v1/devices?page_token=x", nil)
		(&client{t: t, base: c.base}).refused(401, "TOKEN_MISSING", "GET", "/api/v1/devices", nil)
		(&client{t: t, base: c.base, token: "x.y.z"}).refused(401, "TOKEN_INVALID", "GET", "/api/v1/devices", nil)

		imported := c.do("POST", "/api/v1/devices:import?format=csv", "name,address,platform\nb,192.0.2.3,ios\nc,192.0.2.4,nope\n")
		require.EqualValues(t, 1, imported["created"])
		require.EqualValues(t, 1, imported["errors"])

		viewer := c.do("POST", "/api/v1/users", object{"username": "noc", "password": "a viewer's long password", "roles": []string{"viewer"}})
		require.Empty(t, viewer["password"])
		v := &client{t: t, base: c.base}
		pair := v.do("POST", "/api/v1/auth/login", object{"username": "noc", "password": "a viewer's long password"})
		v.token = pair["access_token"].(string)
		if pair["must_change_password"] == true {
			v.token = v.do("POST", "/api/v1/auth/password", object{"current_password": "a viewer's long password", "new_password": "another long password"})["access_token"].(string)
		}
		v.do("GET", "/api/v1/devices", nil)
		v.refused(403, "PERMISSION_DENIED", "POST", "/api/v1/runs", object{"kind": "backup", "all": true})

		resp, err := http.Get(c.base + "/api/openapi.json")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
	})
}

func TestADeviceThatFailsSaysWhy(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		l := devices(t, 3, "cisco_ios")
		wrong, down, rotated := l.Devices()[0], l.Devices()[1], l.Devices()[2]
		for _, dev := range l.Devices() {
			c.add(dev, "")
		}
		c.succeeded(c.backup(object{"all": true}), 3, 3)

		require.NoError(t, wrong.SetFault(lab.Fault{RefuseLogin: true}))
		require.NoError(t, down.SetFault(lab.Fault{Down: true}))
		rotated.RotateHostKey()
		before := rotated.Counters().Logins
		run := c.do("POST", "/api/v1/runs", object{"kind": "backup", "all": true})["id"].(string)
		failures := map[string]object{}
		eventually(t, "every failure is known", func() bool {
			for _, task := range c.items("/api/v1/runs/" + run + "/tasks") {
				if f, ok := task["failure"].(object); ok {
					failures[task["device_name"].(string)] = f
				}
			}
			return len(failures) == 3
		})
		auth := failures[wrong.Info().Name]
		require.Equal(t, "AUTH", auth["class"], "%v", auth)
		require.Equal(t, "lab", auth["credential"])
		require.NotEmpty(t, auth["hint"])
		require.NotContains(t, auth, labPassword)
		require.Equal(t, "UNREACHABLE", failures[down.Info().Name]["class"])
		changed := failures[rotated.Info().Name]
		require.Equal(t, "HOST_KEY", changed["class"], "%v", changed)
		require.Equal(t, before, rotated.Counters().Logins, "no password is sent to a device with another key")
		c.do("POST", "/api/v1/runs/"+run+":cancel", object{})
		c.wait(run)

		id := ""
		for _, task := range c.items("/api/v1/runs/" + run + "/tasks") {
			if task["device_name"] == rotated.Info().Name {
				id = task["device_id"].(string)
			}
		}
		keys := c.items("/api/v1/devices/" + id + "/host_keys")
		require.Len(t, keys, 2)
		require.Equal(t, "OBSERVED", keys[0]["state"])
		c.refused(409, "FINGERPRINT_NOT_LAST_OBSERVED", "POST", "/api/v1/devices/"+id+"/host_keys:accept", object{"fingerprint": keys[1]["fingerprint"]})
		c.do("POST", "/api/v1/devices/"+id+"/host_keys:accept", object{"fingerprint": keys[0]["fingerprint"]})
		c.succeeded(c.backup(object{"device_ids": []string{id}}), 1, 0)

		// The next time it was planned: the new key is accepted by itself, and the window is closed.
		rotated.RotateHostKey()
		planned := c.do("POST", "/api/v1/devices/"+id+"/host_keys:replace", object{"until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
		require.NotEmpty(t, planned["host_key_window_until"])
		c.succeeded(c.backup(object{"device_ids": []string{id}}), 1, 0)
		eventually(t, "the window is closed", func() bool { return c.do("GET", "/api/v1/devices/"+id, nil)["host_key_window_until"] == nil })
		newest := c.items("/api/v1/devices/" + id + "/host_keys")[0]
		require.Equal(t, "ACCEPTED", newest["state"])
		require.Equal(t, "replacement planned by admin", newest["accepted_by"])
	})
}
