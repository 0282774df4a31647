package jobkind

import (
	"context"

	"github.com/netraven/netraven/device"
)

// usernames saves connections; see device.Usernames. Login names are no secrets.
var usernames device.Usernames

// open logs in. The session is nil if the outcome has a failure already.
func open(ctx context.Context, env Env) (Outcome, *device.Session) {
	session, report, f := device.Open(ctx, device.Config{
		Spec:        env.Spec,
		Page:        env.Page,
		Credentials: env.Credentials,
		Dial:        env.Dial,
		Log:         env.Log,
		Progress:    env.Progress,
		Now:         env.Now,
		Usernames:   &usernames,
		Limits:      env.Limits,
	})
	return Outcome{
		Failure:       f,
		Credentials:   report.Credentials,
		HostKey:       report.HostKey,
		HostKeyPinned: report.HostKeyPinned,
		Grant:         report.Grant,
	}, session
}
