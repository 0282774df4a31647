package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/platforms"
)

// maxResult is the largest result that a hub takes.
const maxResult = 64 << 20

// work is an attempt that runs.
type work struct {
	attempt attempt
	kind    jobkind.Kind
	spec    *jobv1.TaskSpec
	signed  *jobv1.SignedSpec
	page    *platforms.Page
	known   []*gitstorev1.KnownDigest
	ctx     context.Context
	cancel  context.CancelCauseFunc
	grants  chan *hubv1.CredentialGrant // the answer to a CredentialRequest
	asking  *jobv1.SignedSpec           // guarded by Agent.mu: a CredentialRequest with this spec waits for its answer
	jump    *jobv1.TaskSpec             // of the jump host, or nil
	allowed chan *hubv1.ProceedReply    // the answer to a ProceedRequest
	waiting bool                        // guarded by Agent.mu: a ProceedRequest waits for its answer
	log     taskLog
}

func newWork(x attempt, kind jobkind.Kind, spec *jobv1.TaskSpec, o *hubv1.Offer, page *platforms.Page) *work {
	w := &work{
		attempt: x, kind: kind, spec: spec, signed: o.GetSpec(), page: page, known: o.GetKnown(), grants: make(chan *hubv1.CredentialGrant, 1),
		allowed: make(chan *hubv1.ProceedReply, 1),
	}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	return w
}

// work runs an attempt to its end and puts its result into the spool. The journal entry goes after the record is there.
func (a *Agent) work(w *work) {
	defer a.attempts.Done()
	defer w.cancel(nil)
	w.log.begin(a, w)
	started := a.now()
	outcome := a.run(w)
	result := a.result(w, outcome, started)
	w.log.flush()
	a.mu.Lock()
	a.ending++ // the hub may offer the next before this one is out of hand
	a.mu.Unlock()
	a.spool.put(result)
	if err := a.journal.end(w.attempt); err != nil {
		a.log.Warn("the journal keeps an entry of an attempt that ended", "task", w.attempt.task, "err", err)
	}
	a.mu.Lock()
	a.ending--
	delete(a.running, w.attempt)
	a.recent.add(w.attempt)
	a.mu.Unlock()
}

// run lets the kind work. A panic is a failure of this attempt, not of the others.
func (a *Agent) run(w *work) (outcome jobkind.Outcome) {
	ctx, cancel := context.WithDeadline(w.ctx, time.Now().Add(w.spec.GetDeadline().AsTime().Sub(a.now())))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("an attempt panicked", "task", w.attempt.task, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
			outcome = jobkind.Outcome{Failure: &jobv1.Failure{
				Class: jobv1.Failure_INTERNAL, Stage: "agent", Hint: "the agent met a fault of its own; its log says more",
			}, Credentials: outcome.Credentials}
		}
	}()
	outcome = jobkind.Run(ctx, w.kind, jobkind.Env{
		Spec: w.spec, Page: w.page, Known: w.known, Now: a.now, Dial: a.cfg.Policy.dialer(),
		Credentials: func(ctx context.Context) (*vaultGrant, error) { return a.credentials(ctx, w, w.signed) },
		Jump:        a.jump(w),
		Proceed:     a.proceeding(w),
		Log:         w.log.add,
		Progress: func(stage string) {
			a.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Progress{Progress: &hubv1.Progress{Attempt: w.attempt.ref(), Stage: stage}}})
		},
	})
	if f := endedFromOutside(w.ctx); f != nil && outcome.Failure != nil {
		f.Stage = outcome.Failure.GetStage()
		outcome.Failure = f
	}
	return outcome
}

// endedFromOutside says why an attempt did not end by itself, or nil.
func endedFromOutside(ctx context.Context) *jobv1.Failure {
	switch why := context.Cause(ctx); {
	case errors.Is(why, errCancelled):
		return &jobv1.Failure{Class: jobv1.Failure_CANCELLED, Hint: "The attempt was cancelled."}
	case errors.Is(why, errLeaseLost), errors.Is(why, errShutdown):
		return &jobv1.Failure{Class: jobv1.Failure_LEASE_LOST, Hint: "The attempt was stopped: " + why.Error() + "."}
	}
	return nil
}

// result is what an outcome becomes on the wire and in the spool. Originals leave this function sealed or not at all.
func (a *Agent) result(w *work, o jobkind.Outcome, started time.Time) *hubv1.Result {
	r := &hubv1.Result{
		Attempt: w.attempt.ref(), Spec: w.signed, Succeeded: o.Failure == nil, Failure: o.Failure, Facts: validFacts(o.Facts),
		Outcomes: o.Credentials, HostKey: o.HostKey, HostKeyPinned: firstContact(w.spec, o),
		StartedAt: timestamppb.New(started), FinishedAt: timestamppb.New(a.now()), Found: o.Found, Transcript: o.Transcript,
		Jump: jumped(w.jump, o),
	}
	size := 0
	if o.Failure == nil {
		for _, x := range o.Artifacts {
			stored, err := sealArtifact(w, o, x)
			if err != nil {
				a.log.Error("an original cannot be sealed", "task", w.attempt.task, "err", err)
				return fail(r, jobv1.Failure_INTERNAL, "The agent could not seal what it collected.")
			}
			r.Artifacts = append(r.Artifacts, stored)
			size += len(stored.GetSealed())
		}
	}
	if size > maxResult-maxFrame {
		return fail(r, jobv1.Failure_OUTPUT_LIMIT, "What the device answered is too large to be stored, even compressed.")
	}
	if f := r.GetFailure(); f != nil {
		f.DeviceSaid, f.Hint = valid(f.GetDeviceSaid()), valid(f.GetHint())
	}
	return r
}

func fail(r *hubv1.Result, class jobv1.Failure_Class, hint string) *hubv1.Result {
	r.Succeeded, r.Artifacts, r.Found = false, nil, nil
	r.Failure = &jobv1.Failure{Class: class, Stage: "store", Hint: hint}
	return r
}

func sealArtifact(w *work, o jobkind.Outcome, x jobkind.Artifact) (*gitstorev1.StoredArtifact, error) {
	sealed, err := seal.SealArtifact(o.Grant.GetSealKey(), seal.ArtifactAAD{
		DeviceID: w.spec.GetDeviceId(), Artifact: x.Name, TaskID: w.spec.GetTaskId(), Fence: w.spec.GetFence(),
	}, x.Original)
	if err != nil {
		return nil, err
	}
	return &gitstorev1.StoredArtifact{
		Name: valid(x.Name), Label: x.Label, Digest: x.Digest, Unchanged: x.Unchanged, Sealed: sealed, Size: int32(len(x.Original)), Main: x.Main,
	}, nil
}

// firstContact tells whether the device's key was trusted because nothing was pinned yet, or as a planned replacement. It is pinned even if the login failed then: what
// was shown a password once must not be able to change its key unseen.
func firstContact(spec *jobv1.TaskSpec, o jobkind.Outcome) bool {
	first := len(spec.GetHostKeys()) == 0 && spec.GetTrustFirstKey()
	if len(o.HostKey) == 0 || o.HostKeyPinned || !first && spec.GetNewHostKeyUntil() == nil {
		return false
	}
	return o.Failure.GetClass() != jobv1.Failure_HOST_KEY
}

func validFacts(facts map[string]string) map[string]string {
	out := make(map[string]string, len(facts))
	for k, v := range facts {
		out[valid(k)] = valid(v)
	}
	return out
}

// valid makes a device's text fit for a message: protobuf takes UTF-8 only, and a result that cannot be written would be lost.
func valid(s string) string { return strings.ToValidUTF8(s, "�") }

// say tells the hub something that nobody misses while there is no stream, or while it is congested.
func (a *Agent) say(m *hubv1.AgentMessage) {
	if s := a.link(); s != nil {
		select {
		case s.out <- m:
		default:
		}
	}
}
