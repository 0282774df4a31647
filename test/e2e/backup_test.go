package e2e

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

func (d *deployment) git(args ...string) string {
	d.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", d.gitDir, "-c", "safe.directory=*"}, args...)...).CombinedOutput()
	require.NoError(d.t, err, "git %v: %s", args, out)
	return string(out)
}

// The main job, through every room: REST -> job -> hub -> agent -> device -> gitstore -> history and diff.
func TestABackupGoesThroughTheWholeHouse(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		l := devices(t, 5, lab.Platforms()...)
		ids := map[string]string{}
		for _, dev := range l.Devices() {
			ids[dev.Info().Name] = c.add(dev, "")
		}
		require.EqualValues(t, 5, c.do("GET", "/api/v1/coverage?hours=1", nil)["never"])
		c.succeeded(c.backup(object{"all": true}), 5, 5)
		eventually(t, "all devices are backed up", func() bool { // the hub reports it beside the result
			coverage := c.do("GET", "/api/v1/coverage?hours=1", nil)
			return coverage["devices"].(float64) == 5 && coverage["missing"].(float64) == 0 && len(coverage["items"].([]any)) == 0
		})
		c.succeeded(c.backup(object{"all": true}), 5, 0)

		changed := l.Devices()[0]
		require.NoError(t, changed.Change(lab.Change{Describe: "uplink to the e2e suite"}))
		run := c.backup(object{"tags": []string{"default"}})
		c.succeeded(run, 5, 1)

		id := ids[changed.Info().Name]
		revisions := c.items("/api/v1/devices/" + id + "/revisions")
		require.GreaterOrEqual(t, len(revisions), 2)
		status, diff := c.raw("GET", "/api/v1/diff?from="+revisions[1]["id"].(string)+"&to="+revisions[0]["id"].(string), nil)
		require.Equal(t, 200, status)
		require.Contains(t, string(diff), "uplink to the e2e suite")
		require.Equal(t, run["id"], revisions[0]["run_id"])

		c.checkViews(revisions[0]["id"].(string), changed.Config())
		d.git("fsck", "--full", "--strict")
		require.Contains(t, d.git("log", "-p", "-1"), "uplink to the e2e suite")
		require.NotContains(t, d.git("log", "-p"), labPassword)
		device := c.do("GET", "/api/v1/devices/"+id, nil)
		require.NotEmpty(t, device["last_backup_at"])
		require.NotEmpty(t, device["serial"], "facts come from the same session")
		require.NotEmpty(t, device["hostname"])
		require.Len(t, c.items("/api/v1/devices/"+id+"/host_keys"), 1)
		task := c.tasks(run)[0]["id"].(string)
		eventually(t, "the task's log tells what was done", func() bool {
			_, log := c.raw("GET", "/api/v1/tasks/"+task+"/log", nil)
			return strings.Contains(string(log), "logged in to 127.0.0.1 with credential lab")
		})
	})
}

// checkViews holds the masked and the restorable view against what the device has.
func (c *client) checkViews(revision, config string) {
	c.t.Helper()
	status, masked := c.raw("GET", "/api/v1/revisions/"+revision+"/content", nil)
	require.Equal(c.t, 200, status)
	require.Contains(c.t, string(masked), "<secret:")
	status, original := c.raw("GET", "/api/v1/revisions/"+revision+"/content?view=restorable", nil)
	require.Equal(c.t, 200, status)
	require.NotContains(c.t, string(original), "<secret:")
	require.NotContains(c.t, string(original), "\r")
	for _, line := range strings.Split(strings.TrimSpace(config), "\n") {
		if strings.HasPrefix(line, "!") || strings.Contains(line, "clock-period") {
			continue
		}
		require.Contains(c.t, string(original), line)
	}
}

func TestAScheduleFiresARun(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		c.add(devices(t, 1, "cisco_ios").Devices()[0], "")
		job := c.do("POST", "/api/v1/jobs", object{"name": "often", "kind": "backup", "selection": object{"tags": []string{"default"}}})
		schedule := c.do("POST", "/api/v1/schedules", object{"name": "often", "job_id": job["id"], "every": "10s"})
		require.NotEmpty(t, schedule["next_fire_at"])
		var fires []object
		eventually(t, "the schedule fires", func() bool {
			fires = c.items("/api/v1/schedules/" + schedule["id"].(string) + "/fires")
			return len(fires) > 0 && fires[0]["run_id"] != ""
		})
		run := c.wait(fires[0]["run_id"].(string))
		c.succeeded(run, 1, 1)
		require.Equal(t, job["id"], run["job_id"])
		c.do("DELETE", "/api/v1/schedules/"+schedule["id"].(string), nil)
	})
}

func TestCapsBoundTheSessions(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		l := devices(t, 12, "cisco_ios")
		for _, dev := range l.Devices() {
			require.NoError(t, dev.SetFault(lab.Fault{Latency: lab.Duration(100e6)}))
			c.add(dev, "")
		}
		gateways := c.items("/api/v1/gateways")
		c.do("PATCH", "/api/v1/gateways/"+gateways[0]["id"].(string), object{"max_sessions": 2})
		watch := watchSessions(l)
		c.succeeded(c.backup(object{"all": true}), 12, 12)
		require.LessOrEqual(t, watch(), 2)
		for _, dev := range l.Devices() {
			require.Equal(t, 1, dev.Counters().MaxSessions, "never two sessions to a device at once")
		}
	})
}
