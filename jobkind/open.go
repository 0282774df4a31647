package jobkind

import (
	"context"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// usernames saves connections; see device.Usernames. Login names are no secrets.
var usernames device.Usernames

// open logs in. The session is nil if the outcome has a failure already; the report is never nil.
func open(ctx context.Context, env Env) (Outcome, *device.Session, *device.Report) {
	session, report, f := device.Open(ctx, device.Config{
		Spec:        env.Spec,
		Page:        env.Page,
		Credentials: env.Credentials,
		Dial:        env.Dial,
		Jump:        env.Jump,
		Log:         env.Log,
		Progress:    env.Progress,
		Traffic:     env.Traffic,
		Now:         env.Now,
		Usernames:   &usernames,
		Limits:      env.Limits,
	})
	if f == nil && env.Log != nil {
		env.Log("info", "logged in to "+env.Spec.GetAddress()+" with credential "+worked(report))
	}
	var jumped *Jumped
	if j := report.Jump; j != nil {
		jumped = &Jumped{Credentials: j.Credentials, HostKey: j.HostKey, HostKeyPinned: j.HostKeyPinned}
	}
	return Outcome{
		Jump:          jumped,
		Failure:       f,
		Credentials:   report.Credentials,
		HostKey:       report.HostKey,
		HostKeyPinned: report.HostKeyPinned,
		Grant:         report.Grant,
	}, session, report
}

// worked is the name of the credential that let the session in.
func worked(r *device.Report) string {
	for _, o := range r.Credentials {
		if o.GetResult() != jobv1.CredentialOutcome_WORKED {
			continue
		}
		for _, c := range r.Grant.GetCredentials() {
			if c.GetId() == o.GetCredentialId() {
				return c.GetName()
			}
		}
	}
	return "none"
}
