package recording

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/netraven/netraven/device"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/platforms"
)

// Target is a device to back up without a server: a real one, or a recording.
type Target struct {
	Address          string
	Port             int
	Username         string
	Password, Enable secret.String
	Legacy           bool
	Page             *platforms.Page
	Known            []jobkind.Artifact // of an earlier backup
	Limits           device.Limits
	Traffic          func(device.Traffic)
	Log              func(level, message string)
	Deadline         time.Duration // 0: ten minutes
}

// BackUp runs the backup kind against t, with the engine that agents use, and keeps nothing. It blocks until that is done.
func BackUp(ctx context.Context, t Target) jobkind.Outcome {
	if t.Deadline <= 0 {
		t.Deadline = 10 * time.Minute
	}
	cred := &vaultv1.GrantedCredential{
		Id: "given", Name: "given", Username: t.Username, Password: t.Password.Reveal(), EnableSecret: t.Enable.Reveal(),
	}
	if t.Enable.Empty() && t.Page.Login.Enable != nil {
		cred.Enable = vaultv1.GrantedCredential_LOGIN_PASSWORD
	}
	env := jobkind.Env{
		Spec: &jobv1.TaskSpec{
			Kind: "backup", DeviceName: t.Address, Address: t.Address, Port: int32(t.Port), Platform: t.Page.Name, TrustFirstKey: true,
			LegacyAlgorithms: t.Legacy, CredentialIds: []string{cred.GetId()}, Deadline: timestamppb.New(time.Now().Add(t.Deadline)),
		},
		Page: t.Page, Limits: t.Limits, Traffic: t.Traffic, Log: t.Log,
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{cred}, DigestKey: make([]byte, 32), SealKey: make([]byte, 32)}, nil
		},
	}
	for _, a := range t.Known {
		env.Known = append(env.Known, &gitstorev1.KnownDigest{Artifact: a.Name, Label: a.Label, Digest: a.Digest})
	}
	return jobkind.Backup{}.Run(ctx, env)
}

// Replay serves s in the given way and backs it up. An error is one of this machine; what the session comes to is the outcome.
func Replay(ctx context.Context, s *Session, way Way, t Target) (jobkind.Outcome, error) {
	server, err := Serve(s, way)
	if err != nil {
		return jobkind.Outcome{}, fmt.Errorf("serving the session: %w", err)
	}
	defer func() { _ = server.Close() }()
	t.Address, t.Port = "127.0.0.1", server.Port()
	t.Username, t.Password = "netraven", secret.NewString("any will do")
	return BackUp(ctx, t), nil
}
