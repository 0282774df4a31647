package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/jobkind"
)

// vaultGrant is what the attempt logs in with; it exists in memory only.
type vaultGrant = vaultv1.Grant

// grantPatience is how long the answer may take; a device does not keep an idle connection longer.
const grantPatience = 60 * time.Second

// passing are the reasons of refusals that another attempt, later, may not meet, in words for people.
var passing = map[string]string{
	"CREDENTIAL_IN_PROBATION": "a credential it needs was just refused elsewhere or has not worked yet, so only a few attempts at a time may use it; " +
		"if this goes on, check the credential's password",
	"KEY_UNAVAILABLE":     "the server cannot open its credentials right now: its key file is missing or unreadable",
	"AUDIT_UNAVAILABLE":   "the server cannot write its audit trail right now, and opens no credential without",
	"SERVICE_UNAVAILABLE": "a part of the server is not reachable right now",
	"DEADLINE_EXCEEDED":   "the server took too long to answer",
}

// credentials asks for the credentials of a spec, the attempt's or that of its jump host, and opens them. It blocks until they are there, asking again on every new stream.
func (a *Agent) credentials(ctx context.Context, w *work, spec *jobv1.SignedSpec) (*vaultGrant, error) {
	ctx, cancel := context.WithTimeout(ctx, grantPatience)
	defer cancel()
	a.mu.Lock()
	w.asking = spec
	s := a.session
	a.mu.Unlock()
	if s != nil {
		a.ask(s, w.attempt)
	}
	select {
	case answer := <-w.grants:
		return a.open(w, spec, answer)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask sends the request of an attempt that waits for its credentials.
func (a *Agent) ask(s *session, x attempt) {
	a.mu.Lock()
	w := a.running[x]
	var spec *jobv1.SignedSpec
	if w != nil {
		spec = w.asking
	}
	a.mu.Unlock()
	if spec != nil {
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{
			Attempt: x.ref(), Spec: spec,
		}}})
	}
}

// granted hands an answer to the attempt that asked; what nobody asked for is dropped.
func (a *Agent) granted(g *hubv1.CredentialGrant) {
	a.mu.Lock()
	w := a.running[attemptOf(g.GetAttempt())]
	expected := w != nil && w.asking != nil && answers(g, w.asking)
	if expected {
		w.asking = nil
	}
	a.mu.Unlock()
	if expected {
		w.grants <- g // has room: one answer for one question
	}
}

// answers tells whether a grant is for the spec that was asked with. After a lost stream a question may be answered twice, the second time when
// the attempt asks the next one.
func answers(g *hubv1.CredentialGrant, spec *jobv1.SignedSpec) bool {
	hash := sha256.Sum256(spec.GetSpec())
	return len(g.GetSpecSha256()) == 0 || bytes.Equal(g.GetSpecSha256(), hash[:])
}

// open verifies that vault signed the grant for this very spec, and opens it.
func (a *Agent) open(w *work, spec *jobv1.SignedSpec, g *hubv1.CredentialGrant) (*vaultGrant, error) {
	if why, ok := passing[g.GetRefused()]; ok {
		return nil, &jobkind.WaitError{Why: why}
	}
	if g.GetGrant() == nil {
		return nil, fmt.Errorf("refused: %s", valid(g.GetRefused()))
	}
	hash := sha256.Sum256(spec.GetSpec())
	if err := pki.VerifyGrant(a.identity.authority(), hash, g.GetGrant(), a.now()); err != nil {
		a.log.Error("a grant is not signed by vault for this attempt; is somebody forging credentials?", "task", w.attempt.task, "err", err)
		return nil, errors.New("the credentials that came are not vault's for this attempt")
	}
	grant, err := seal.OpenGrant(a.identity.keys.seal.Reveal(), hash, g.GetGrant())
	if err != nil {
		return nil, errors.New("the credentials that came are not sealed to this agent")
	}
	return grant, nil
}
