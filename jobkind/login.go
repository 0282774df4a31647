package jobkind

import (
	"context"
	"net"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// Login logs in to each device as a backup would, and out again; no command is run but those that set up a session. The zero value is
// ready.
type Login struct{}

var loginKind = &jobv1.JobKind{
	Name:        "login",
	Description: "Log in to each device and out again: checks address, host key, credentials, enable and prompt.",
	LogsIn:      true,
	Once:        true,
	Params:      []*jobv1.JobKind_Param{transcriptParam},
}

// Describe says what the kind takes.
func (Login) Describe() *jobv1.JobKind { return loginKind }

// Validate refuses every parameter but transcript.
func (Login) Validate(params *structpb.Struct) error { return checkOnlyTranscript(loginKind, params) }

// Run logs in and says how far that came.
func (Login) Run(ctx context.Context, env Env) Outcome {
	t := timeline{then: env.Progress, began: time.Now()}
	env.Progress = t.enter
	out, session, report := open(ctx, env)
	t.end()
	prompt, privileged := "", false
	if session != nil {
		prompt, privileged = session.Prompt(), session.Privileged()
		session.Close()
	}
	r := &jobv1.LoginResult{Prompt: prompt, Algorithms: report.Algorithms, Credential: worked(report)}
	r.HostKeyFingerprint, r.HostKeyAlgorithm = device.DescribeKey(report.HostKey)
	if out.Failure != nil {
		r.Credential = out.Failure.GetCredential()
	}
	r.Stages = stages(env, &t, out, r, privileged)
	out.Found = &jobv1.TaskResult{Login: r}
	return out
}

// timeline measures the stages of a login. A stage that is entered again, on a second connection, goes on.
type timeline struct {
	then  func(string)
	began time.Time
	now   string
	names []string
	spent map[string]time.Duration
}

func (t *timeline) enter(stage string) {
	t.end()
	t.now = stage
	if stage == "setup" { // what a person waits for is the prompt
		t.now = "prompt"
	}
	if !slices.Contains(t.names, t.now) {
		t.names = append(t.names, t.now)
	}
	if t.then != nil {
		t.then(stage)
	}
}

func (t *timeline) end() {
	if t.spent == nil {
		t.spent = map[string]time.Duration{}
	}
	t.spent[t.now] += time.Since(t.began)
	t.began = time.Now()
}

// stages tells the login step by step: up to the one that failed, or all.
func stages(env Env, t *timeline, out Outcome, r *jobv1.LoginResult, privileged bool) []*jobv1.LoginResult_Stage {
	failed := failedStage(out.Failure)
	var all []*jobv1.LoginResult_Stage
	names := []string{"connect", "host_key", "login", "enable", "prompt"}
	if env.Jump != nil {
		names = append([]string{"jump"}, names...)
	}
	for _, name := range names {
		if name == "enable" && !slices.Contains(t.names, name) && (failed != "" || env.Page.Login.Enable == nil || env.Page.Transport == platforms.Exec) {
			continue // it was not come to, or there is no such thing
		}
		s := &jobv1.LoginResult_Stage{Name: name, Ok: name != failed, Ms: milliseconds(t.spent[name])}
		all = append(all, s)
		if !s.Ok {
			s.Detail = out.Failure.GetHint()
			break
		}
		s.Detail = detail(env, t, out, r, name, privileged)
	}
	return all
}

// failedStage is the step that a failure belongs to; "" without one.
func failedStage(f *jobv1.Failure) string {
	switch {
	case f == nil:
		return ""
	case f.GetClass() == jobv1.Failure_PROMPT, f.GetStage() == "setup":
		return "prompt" // the device took the login; what it shows then is not understood
	case slices.Contains([]string{"jump", "host_key", "login", "enable"}, f.GetStage()):
		return f.GetStage()
	}
	return "connect"
}

// detail is what a step that went well found.
func detail(env Env, t *timeline, out Outcome, r *jobv1.LoginResult, name string, privileged bool) string {
	switch name {
	case "jump":
		return "logged in to " + env.Jump.Spec.GetDeviceName() + " (" + env.Jump.Spec.GetAddress() + ")"
	case "connect":
		return net.JoinHostPort(env.Spec.GetAddress(), strconv.Itoa(int(env.Spec.GetPort())))
	case "host_key":
		return r.GetHostKeyFingerprint() + " " + r.GetHostKeyAlgorithm() + ", " + trust(env.Spec, out)
	case "login":
		return "credential " + r.GetCredential()
	case "enable":
		switch {
		case !privileged && out.Failure == nil:
			return "not asked for: the credential has no enable, and the session stays unprivileged"
		case !slices.Contains(t.names, name):
			return "not needed: privileged after the login"
		}
		return "privileged"
	}
	if r.GetPrompt() == "" {
		return "none: commands travel by exec channels"
	}
	return r.GetPrompt()
}

// trust says why a host key was accepted.
func trust(spec *jobv1.TaskSpec, out Outcome) string {
	switch {
	case out.HostKeyPinned:
		return "the accepted one"
	case spec.GetInsecureHostKey():
		return "not checked: the device's policy is insecure"
	case spec.GetHostCertificate():
		return "certified by an accepted authority"
	case len(spec.GetHostKeys()) > 0:
		return "a new one, accepted because a replacement was planned"
	}
	return "accepted at first contact"
}
