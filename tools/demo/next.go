package main

import "fmt"

// whereToLook tells what can be done with what now runs.
func (d *demo) whereToLook() {
	at := "http://" + d.server.HTTPAddr
	device := d.changed[0].device.GetName()
	fmt.Fprintf(d.out, `
Everything stays up until you press Ctrl-C. To look around, in another terminal:

  The API:            %[1]s/api/openapi.json
  Sign in:            user admin, password %[2]s
  Health, numbers:    %[1]s/readyz, %[1]s/metrics
  Git:                git --git-dir %[3]s log --stat
  Logs:               %[4]s

  export NETRAVEN_SERVER=%[1]s
  bin/netraven login --username admin
  bin/netraven device list
  bin/netraven config list %[5]s
  bin/netraven config diff %[5]s
  bin/netraven backup %[5]s

  Change a device and back it up again:
  bin/netraven-lab list --control %[6]s
  bin/netraven-lab change %[5]s "front desk" --control %[6]s
`, at, d.password, d.repository(), d.folder.In("logs"), device, d.lab.Control)
}
