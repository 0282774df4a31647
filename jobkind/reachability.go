package jobkind

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// Reachability opens a TCP connection to each device, and reads how its SSH server names itself if asked. It knows no credential and
// sends the device nothing. The zero value is ready.
type Reachability struct{}

var reachabilityKind = &jobv1.JobKind{
	Name:        "reachability",
	Description: "Open a TCP connection to each device and measure how long that takes; no login.",
	Once:        true,
	Params: []*jobv1.JobKind_Param{
		{Name: "ssh_banner", Type: "boolean", Description: "Also read the line by which the SSH server names itself; false unless given."},
	},
}

// Describe says what the kind takes.
func (Reachability) Describe() *jobv1.JobKind { return reachabilityKind }

// Validate checks the parameters.
func (Reachability) Validate(params *structpb.Struct) error {
	_, err := wantsBanner(params)
	return err
}

func wantsBanner(params *structpb.Struct) (bool, error) {
	if err := checkNames(reachabilityKind, params); err != nil {
		return false, err
	}
	return boolParam(params, "ssh_banner", false)
}

// Run connects and measures. Without an open connection there is nothing found.
func (Reachability) Run(ctx context.Context, env Env) Outcome {
	params, err := specParams(env.Spec)
	banner := false
	if err == nil {
		banner, err = wantsBanner(params)
	}
	if err != nil {
		return Outcome{Failure: unfit(err)}
	}
	probed, f := device.Probe(ctx, device.Config{
		Spec: env.Spec, Page: env.Page, Dial: env.Dial, Jump: env.Jump, Log: env.Log, Progress: env.Progress, Now: env.Now, Limits: env.Limits,
	}, banner)
	out := Outcome{Failure: f}
	if probed.TCP > 0 {
		ms := float64(probed.TCP) / float64(time.Millisecond)
		out.Found = &jobv1.TaskResult{Reachability: &jobv1.ReachabilityResult{TcpMs: ms, Banner: probed.Banner}}
	}
	return out
}
