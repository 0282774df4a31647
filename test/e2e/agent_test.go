package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// branch is a gateway of its own with a site and a remote agent.
type branch struct {
	gateway, site, dir string
	process            *process
}

func (d *deployment) addBranch(c *client) *branch {
	d.t.Helper()
	b := &branch{dir: filepath.Join(d.t.TempDir(), "agent")}
	b.gateway = c.do("POST", "/api/v1/gateways", object{"name": "branch", "logins_per_second": 1000})["id"].(string)
	b.site = c.do("POST", "/api/v1/sites", object{"name": "branch", "gateway_id": b.gateway})["id"].(string)
	token := c.do("POST", "/api/v1/gateways/"+b.gateway+"/join_tokens", object{})
	require.NotContains(d.t, token["command"], "--token")
	b.start(d, token["token"].(string))
	return b
}

// start runs the remote agent; the token goes in by standard input and is needed once.
func (b *branch) start(d *deployment, token string) {
	d.t.Helper()
	// An agent reaches nothing on its own host unless the people there say so; the lab's devices are there.
	policy := b.dir + ".policy.yaml"
	require.NoError(d.t, os.WriteFile(policy, []byte("networks: [127.0.0.0/8]\n"), 0o600))
	b.startWith(d, token, policy)
}

// startWith runs the remote agent under a policy file.
func (b *branch) startWith(d *deployment, token, policy string) {
	d.t.Helper()
	args := []string{"--server", d.agents, "--data", b.dir, "--policy", policy}
	if token != "" {
		args = append(args, "--join", "-")
	}
	b.process = start(d.t, "agent", token, filepath.Join(bin, "netraven-agent"), args...)
}

func (c *client) online(gateway string) bool {
	for _, a := range c.items("/api/v1/agents?gateway_id=" + gateway) {
		if a["state"] == "ONLINE" {
			return true
		}
	}
	return false
}

// FAILURES 3, 5, 6: killing the agent in the middle loses nothing and doubles nothing.
func Test03KillingTheAgentMidRunLosesAndDoublesNothing(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		b := d.addBranch(c)
		eventually(t, "the agent is online", func() bool { return c.online(b.gateway) })
		l := devices(t, 20, "cisco_ios", "arista_eos")
		ids := []string{}
		for _, dev := range l.Devices() {
			require.NoError(t, dev.SetFault(lab.Fault{Latency: lab.Duration(200e6)}))
			ids = append(ids, c.add(dev, b.site))
		}
		run := c.do("POST", "/api/v1/runs", object{"kind": "backup", "site_ids": []string{b.site}})["id"].(string)
		eventually(t, "some devices are done and some are not", func() bool {
			counts := c.do("GET", "/api/v1/runs/"+run, nil)["counts"].(object)
			return counts["succeeded"].(float64) >= 3 && counts["succeeded"].(float64) < 20 && counts["running"].(float64) > 0
		})
		b.process.kill()
		b.start(d, "")
		c.succeeded(c.wait(run), 20, 20)
		for _, id := range ids {
			require.Len(t, c.items("/api/v1/devices/"+id+"/revisions?artifact="), revisionsOfOneBackup(c, id), "one revision for each artifact")
		}
		for _, dev := range l.Devices() {
			require.LessOrEqual(t, dev.Counters().MaxSessions, 1)
		}
		c.succeeded(c.backup(object{"site_ids": []string{b.site}}), 20, 0)
	})
}

// revisionsOfOneBackup counts the artifacts of a device: each must have exactly its first revision.
func revisionsOfOneBackup(c *client, id string) int {
	names := map[any]bool{}
	for _, r := range c.items("/api/v1/devices/" + id + "/revisions") {
		names[r["artifact"]] = true
	}
	return len(names)
}

func TestAJoinTokenLetsOneAgentIn(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		gateway := c.do("POST", "/api/v1/gateways", object{"name": "plant"})["id"].(string)
		token := c.do("POST", "/api/v1/gateways/"+gateway+"/join_tokens", object{})["token"].(string)
		first := &branch{dir: filepath.Join(t.TempDir(), "one")}
		first.start(d, token)
		eventually(t, "the agent is online", func() bool { return c.online(gateway) })
		require.NotContains(t, first.process.output(), token)

		second := &branch{dir: filepath.Join(t.TempDir(), "two")}
		second.start(d, token)
		eventually(t, "the second use is refused in words", func() bool {
			out := second.process.output()
			return out != "" && containsAny(out, "already used")
		})
		require.NotContains(t, second.process.output(), token)
		second.process.stop()

		agents := c.items("/api/v1/agents?gateway_id=" + gateway)
		require.Len(t, agents, 1)
		c.do("POST", "/api/v1/agents/"+agents[0]["id"].(string)+":revoke", object{})
		eventually(t, "a revoked agent is gone", func() bool { return !c.online(gateway) })
	})
}

// FAILURES 13: the server dies as in a power cut, and comes back with everything.
func Test13AServerThatWasKilledComesBack(t *testing.T) {
	d := oneProcess(t)
	c := d.signIn()
	c.addCredential()
	id := c.add(devices(t, 1, "cisco_ios").Devices()[0], "")
	c.succeeded(c.backup(object{"all": true}), 1, 1)
	d.processes["all"].kill()
	_, err := os.Stat(filepath.Join(d.data, "admin-password"))
	require.ErrorIs(t, err, os.ErrNotExist, "the first password is gone once it is changed")
	d.restart("all")
	again := &client{t: t, base: c.base}
	again.token = again.do("POST", "/api/v1/auth/login", object{"username": "admin", "password": adminPassword})["access_token"].(string)
	require.NotEmpty(t, again.items("/api/v1/devices/"+id+"/revisions"))
	c.succeeded(again.backup(object{"all": true}), 1, 0)
}
