package jobkind

import (
	"context"
	"math/rand/v2"

	"google.golang.org/protobuf/types/known/structpb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// resendOneIn is how rarely an unchanged backup is sent whole nevertheless, so that a digest which was
// wrong for whatever reason cannot hide a change for ever.
const resendOneIn = 100

// Backup collects the configuration of a device: every artifact of its platform page, all or nothing.
// The zero value is ready.
type Backup struct {
	resend func() bool // tests decide; nil: once in resendOneIn
}

var backupKind = &jobv1.JobKind{
	Name:        "backup",
	Description: "Collect the configuration of each device and keep what changed.",
	LogsIn:      true,
	Params:      []*jobv1.JobKind_Param{transcriptParam},
}

// Describe says that a backup changes nothing.
func (Backup) Describe() *jobv1.JobKind { return backupKind }

// Validate refuses every parameter but transcript.
func (Backup) Validate(params *structpb.Struct) error { return checkOnlyTranscript(backupKind, params) }

// Run collects the artifacts of the page.
func (b Backup) Run(ctx context.Context, env Env) Outcome {
	out, session, _ := open(ctx, env)
	if session == nil {
		return out
	}
	defer session.Close()
	c := collector{env: env, session: session, originals: map[string][]byte{}}
	if f := c.collect(); f != nil {
		out.Failure = f
		return out
	}
	out.Artifacts = c.artifacts(out.Grant.GetDigestKey(), b.again())
	out.Facts = env.Page.FactsOf(c.originals)
	return out
}

func (b Backup) again() bool {
	if b.resend != nil {
		return b.resend()
	}
	return rand.IntN(resendOneIn) == 0
}
