package jobkind

import (
	"context"
	"net"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/netraven/netraven/device"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// Kind is something that can be done to a device.
type Kind interface {
	// Describe says what the kind is and takes; the answer is shared, do not modify it.
	Describe() *jobv1.JobKind
	// Validate checks parameters as a person gave them; nil params are an empty object. Errors are
	// internal/errs errors that name the field at fault: mostly INVALID_ARGUMENT/PARAMS_INVALID.
	Validate(params *structpb.Struct) error
	// Run does the work on one device and blocks until it is done, until the spec's deadline or until
	// ctx ends, whichever comes first. It is safe for concurrent use.
	Run(ctx context.Context, env Env) Outcome
}

// Env is what one attempt works with. Spec, Page and Credentials are required.
type Env struct {
	// Spec is the attempt, verified by the caller.
	Spec *jobv1.TaskSpec
	// Page is the platform page whose digest the spec names.
	Page *platforms.Page
	// Credentials fetches the opened grant. It is called at most once, after the device's host key was
	// accepted, by kinds that log in only, and may block as long as ctx allows. Credentials that may be had later are a *WaitError.
	Credentials func(ctx context.Context) (*vaultv1.Grant, error)
	// Proceed asks for leave to change the device, and returns nil only if the attempt has it. A kind calls it before its first command that may change
	// anything, and ends at once if it is refused. It may block as long as ctx allows. Nil: the attempt must only read.
	Proceed func(ctx context.Context) error
	// Jump is the host that the device is reached through. Nil: it is connected to directly.
	Jump *device.Jump
	// Known holds the change digests of the device's newest revisions.
	Known []*gitstorev1.KnownDigest
	// Dial opens the TCP connection. Nil: a plain net.Dialer. An error of the agent's own policy
	// should be a *PolicyError.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log takes lines for the task's log; level is debug, info, warn or error, the message holds no
	// secrets. Nil: nowhere.
	Log func(level, message string)
	// Progress takes the stage that begins: connect, banner, host_key, login, enable, setup, command, complete.
	// Nil: nowhere.
	Progress func(stage string)
	// Traffic takes what passes between the session and the device, secrets left out. Nil: nowhere.
	Traffic func(device.Traffic)
	// Now is the clock that the spec's deadline is held against. Nil: time.Now.
	Now func() time.Time
	// Limits bound the session; zero fields have the defaults of package device.
	Limits device.Limits
}

// WaitError is what Env.Credentials returns for credentials that may not be tried now. It becomes a
// failure of class BUSY: the task is tried again.
type WaitError = device.WaitError

// PolicyError is what Env.Dial returns for a device that the agent's own policy forbids. It becomes a
// failure of class POLICY.
type PolicyError = device.PolicyError

// Artifact is one collected file.
type Artifact struct {
	// Name is the file name, such as "running.cfg".
	Name string
	// Label names the rules of Digest: page digest and normalizer version.
	Label string
	// Digest is the change digest, lower-case hexadecimal.
	Digest string
	// Unchanged says that Digest is a known one of the same label and that the bytes need not travel.
	Unchanged bool
	// Main marks the page's first artifact.
	Main bool
	// Original is the device's text without echo, pager and control bytes, noise lines kept. It is set
	// even if Unchanged: the store may ask for it.
	Original []byte
}

// Outcome is what one attempt came to.
type Outcome struct {
	// Failure is nil if the attempt succeeded.
	Failure *jobv1.Failure
	// Artifacts is empty if the attempt failed.
	Artifacts []Artifact
	// Found is what the kind found out, with none of the fields that say whose it is; nil for kinds that collect files only.
	Found *jobv1.TaskResult
	// Transcript is what was said and typed, if it was asked for, with none of the fields that say whose it is. It is masked and bounded.
	Transcript *jobv1.Transcript
	// Facts are what the device told of itself: version, serial, model, hostname.
	Facts map[string]string
	// Credentials has one entry for each credential of the grant, once a grant was given.
	Credentials []*jobv1.CredentialOutcome
	// HostKey is the key that the device presented, in SSH wire format; nil if it came to none.
	HostKey []byte
	// HostKeyPinned says that HostKey is one of the spec's.
	HostKeyPinned bool
	// Jump is what the attempt came to at the jump host; nil if there is none, or it was not come to.
	Jump *Jumped
	// Grant is what Env.Credentials returned; its keys seal what the attempt collected.
	Grant *vaultv1.Grant
}

// Run lets a kind work as Kind.Run does. Where the spec's parameters ask for a transcript, the outcome has one, however it ended.
func Run(ctx context.Context, kind Kind, env Env) Outcome {
	if !wantsTranscript(kind, env.Spec) {
		return kind.Run(ctx, env)
	}
	t := device.NewTranscript(env.Page)
	traffic, progress := env.Traffic, env.Progress
	env.Traffic = func(x device.Traffic) {
		t.Take(x)
		if traffic != nil {
			traffic(x)
		}
	}
	env.Progress = func(stage string) {
		t.Stage(stage)
		if progress != nil {
			progress(stage)
		}
	}
	out := kind.Run(ctx, env)
	text, cut := t.Text(out.Grant)
	out.Transcript = &jobv1.Transcript{Text: text, Truncated: cut}
	return out
}

// Jumped is what an attempt came to at a jump host; fields as those of Outcome.
type Jumped struct {
	Credentials   []*jobv1.CredentialOutcome
	HostKey       []byte
	HostKeyPinned bool
}

// Catalog returns all kinds, by name.
func Catalog() []Kind { return []Kind{Backup{}, Command{}, Login{}, Reachability{}} }

// Lookup returns the kind of that name.
func Lookup(name string) (Kind, bool) {
	for _, k := range Catalog() {
		if k.Describe().GetName() == name {
			return k, true
		}
	}
	return nil, false
}
