package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/pprof"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

// grant is what vault would have sealed for the agent.
var grant = &vaultv1.Grant{
	Credentials: []*vaultv1.GrantedCredential{{Id: "c1", Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword}},
	SealKey:     make([]byte, 32), DigestKey: make([]byte, 32),
}

// ours reads rounds devices with the engine: job kind backup, and masking, which the product does at gitstore.
func (b *bench) ours(ctx context.Context, f *fleet, page *platforms.Page, rounds int) (effort, error) {
	envs := make(chan jobkind.Env, rounds)
	for i := range rounds {
		env, err := attemptAt(f, page, i%len(f.targets))
		if err != nil {
			return effort{}, err
		}
		envs <- env
	}
	close(envs)
	before, err := ownCPU()
	if err != nil {
		return effort{}, err
	}
	begin := time.Now()
	// In a profile of this process, -tagfocus=side=ours leaves out the bare client.
	pprof.Do(ctx, pprof.Labels("side", "ours"), func(ctx context.Context) { err = b.work(ctx, page, envs) })
	elapsed := time.Since(begin)
	after, cpuErr := ownCPU()
	if err == nil {
		err = cpuErr
	}
	return effort{devices: rounds, elapsed: elapsed, cpu: after - before}, err
}

// work empties envs, as many at once as there are sessions, and answers the first failure.
func (b *bench) work(ctx context.Context, page *platforms.Page, envs <-chan jobkind.Env) error {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
	)
	for range b.sessions {
		wg.Go(func() {
			for env := range envs {
				if err := backUp(ctx, page, env); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	wg.Wait()
	return first
}

func backUp(ctx context.Context, page *platforms.Page, env jobkind.Env) error {
	out := jobkind.Backup{}.Run(ctx, env)
	if out.Failure != nil {
		return fmt.Errorf("the engine failed on %s: %s: %s", env.Spec.GetDeviceName(), out.Failure.GetClass(), out.Failure.GetHint())
	}
	for i, a := range out.Artifacts {
		page.Mask(page.Backup[i].Clean(a.Original), tag)
	}
	return nil
}

// tag costs what gitstore's tags cost.
func tag(secret []byte) string {
	mac := hmac.New(sha256.New, grant.GetDigestKey())
	_, _ = mac.Write(secret) // a hash takes every byte
	return hex.EncodeToString(mac.Sum(nil))[:12]
}

func attemptAt(f *fleet, page *platforms.Page, i int) (jobkind.Env, error) {
	at, err := f.endpoint(i)
	return jobkind.Env{
		Spec: &jobv1.TaskSpec{
			Kind: "backup", DeviceName: f.names[i], Address: at.Addr().String(), Port: int32(at.Port()), TrustFirstKey: true,
			CredentialIds: []string{"c1"}, Deadline: timestamppb.New(time.Now().Add(10 * time.Minute)),
		},
		Page:        page,
		Credentials: func(context.Context) (*vaultv1.Grant, error) { return grant, nil },
	}, err
}
