package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

const location = "snmp-server location rack 7"

// configures is a run of commands that change a device.
func configures(ids ...string) object {
	return object{"kind": "command", "device_ids": ids, "params": object{
		"commands": []string{"show clock", "configure terminal", location, "end"}, "mutating": true,
	}}
}

// times counts how often a device was told a command.
func times(dev *lab.Device, command string) int {
	n := 0
	for _, c := range dev.Counters().LastCommands {
		if c == command {
			n++
		}
	}
	return n
}

// A run that is declared mutating changes its device, once; only those who may start it.
func TestCommandsThatChangeADevice(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, "")
		run := c.wait(c.do("POST", "/api/v1/runs", configures(id))["id"].(string))
		c.succeeded(run, 1, 0)
		require.Contains(t, dev.Config(), location)
		require.Equal(t, 1, times(dev, "configure terminal"))
		require.Len(t, c.result(run)["commands"], 4)
		c.do("POST", "/api/v1/users", object{"username": "ops", "password": "a long enough word", "roles": []string{"operator"}})
		ops := &client{t: t, base: c.base}
		ops.token = ops.do("POST", "/api/v1/auth/login", object{"username": "ops", "password": "a long enough word"})["access_token"].(string)
		ops.refused(403, "PERMISSION_DENIED", "POST", "/api/v1/runs", configures(id))
		require.Equal(t, 1, times(dev, "configure terminal"))
	})
}

// An agent is killed after it was let change its device: nobody knows how far it came, and it is not done again.
func TestAnAgentKilledWhileItChangesADevice(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		b := d.addBranch(c)
		eventually(t, "the agent is online", func() bool { return c.online(b.gateway) })
		dev := devices(t, 1, "cisco_ios").Devices()[0]
		id := c.add(dev, b.site)

		run := c.wait(c.do("POST", "/api/v1/runs", configures(id))["id"].(string))
		require.Equal(t, "FAILED", run["state"], "the policy file of the branch allows only what reads")
		require.Equal(t, "POLICY", c.tasks(run)[0]["failure"].(object)["class"])
		require.Zero(t, dev.Counters().Logins)

		b.process.stop()
		require.NoError(t, os.WriteFile(b.dir+".policy.yaml", []byte("networks: [127.0.0.0/8]\neffects: [read_only, mutating]\n"), 0o600))
		b.startWith(d, "", b.dir+".policy.yaml")
		eventually(t, "the agent is online", func() bool { return c.online(b.gateway) })
		require.NoError(t, dev.SetFault(lab.Fault{Latency: lab.Duration(1e9)}))
		started := c.do("POST", "/api/v1/runs", configures(id))["id"].(string)
		eventually(t, "the device is being changed", func() bool { return times(dev, "configure terminal") == 1 })
		b.process.kill()
		require.NoError(t, dev.SetFault(lab.Fault{}))
		b.startWith(d, "", b.dir+".policy.yaml")
		run = c.wait(started)
		task := c.tasks(run)[0]
		require.Equal(t, "INDETERMINATE", task["state"])
		require.Contains(t, task["failure"].(object)["hint"], "check by hand")
		c.refused(409, "NOTHING_FAILED", "POST", "/api/v1/runs/"+started+":retry_failed", object{})
		// The device is free for others, and nothing of the first run comes after them.
		c.succeeded(c.backup(object{"device_ids": []string{id}}), 1, 1)
		require.Equal(t, 1, times(dev, "configure terminal"))
	})
}
