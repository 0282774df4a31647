package jobkind

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

// Bounds of one run of commands. The outputs are those of job.v1.CommandResult.
const (
	maxCommands    = 50
	maxCommandLine = 1000 // bytes
	maxOutput      = 256 << 10
	maxOutputs     = 1 << 20
)

// Command runs commands and keeps what the device answers to each. The zero value is ready.
type Command struct{}

var commandKind = &jobv1.JobKind{
	Name:        "command",
	Description: "Run commands on each device and keep what it answers to each.",
	LogsIn:      true,
	Params: []*jobv1.JobKind_Param{
		{Name: "commands", Type: "strings", Required: true, Description: "1 to 50 commands of one line each, sent in this order."},
		{Name: "stop_on_error", Type: "boolean", Description: "Send nothing more once the device has refused a command; true unless given."},
		{Name: "mutating", Type: "boolean", Description: "The commands may change the device; needs the permission job.run.mutate. Each device gets them at most once."},
		transcriptParam,
	},
}

// Describe says what the kind takes.
func (Command) Describe() *jobv1.JobKind { return commandKind }

// Validate refuses what is no list of commands, and commands that are not known only to read in a run that is not declared mutating
// (INVALID_ARGUMENT/COMMAND_NOT_READ_ONLY).
func (Command) Validate(params *structpb.Struct) error {
	_, err := readCommandParams(params)
	return err
}

type commandParams struct {
	lines       []string
	stopOnError bool
	mutating    bool
}

func readCommandParams(params *structpb.Struct) (commandParams, error) {
	var p commandParams
	if err := checkNames(commandKind, params); err != nil {
		return p, err
	}
	var err error
	if p.mutating, err = boolParam(params, "mutating", false); err != nil {
		return p, err
	}
	if p.stopOnError, err = boolParam(params, "stop_on_error", true); err != nil {
		return p, err
	}
	if _, err := boolParam(params, transcriptParam.GetName(), false); err != nil {
		return p, err
	}
	list := params.GetFields()["commands"].GetListValue().GetValues()
	if len(list) == 0 || len(list) > maxCommands {
		return p, badParam("commands", "INVALID", fmt.Sprintf("must be a list of 1 to %d commands", maxCommands))
	}
	for i, v := range list {
		line, err := commandLine(fmt.Sprintf("commands[%d]", i), v, p.mutating)
		if err != nil {
			return p, err
		}
		p.lines = append(p.lines, line)
	}
	return p, nil
}

// commandLine reads one command.
func commandLine(name string, v *structpb.Value, mutating bool) (string, error) {
	line := strings.TrimSpace(v.GetStringValue()) // "" also for what is no text
	switch {
	case line == "":
		return "", badParam(name, "INVALID", "must be a command")
	case len(line) > maxCommandLine:
		return "", badParam(name, "TOO_LONG", fmt.Sprintf("at most %d bytes", maxCommandLine))
	case strings.ContainsFunc(line, unicode.IsControl):
		return "", badParam(name, "INVALID", "must be one line without control characters")
	}
	if why := unread(line); why != "" && !mutating {
		return "", errs.New(codes.InvalidArgument, "COMMAND_NOT_READ_ONLY", "%q is not known only to read: %s; a run of what may change a device must be declared mutating", line, why).
			Field("params."+name, "NOT_READ_ONLY", why)
	}
	return line, nil
}

// Run sends the commands in order. A refused command makes the attempt fail (REJECTED), with what was answered so far; the others are
// still sent if stop_on_error is false. A mutating run asks for leave before its first command that is not known only to read.
func (Command) Run(ctx context.Context, env Env) Outcome {
	params, err := specParams(env.Spec)
	var p commandParams
	if err == nil {
		p, err = readCommandParams(params)
	}
	if err != nil {
		return Outcome{Failure: unfit(err)}
	}
	if p.mutating && env.Proceed == nil {
		return Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_POLICY, Stage: "params", Hint: "The task is not one that may change devices, and its commands may."}}
	}
	out, session, _ := open(ctx, env)
	out.Found = &jobv1.TaskResult{}
	if session == nil {
		return out
	}
	defer session.Close()
	left, asked := maxOutputs, false
	for _, line := range p.lines {
		if p.mutating && !asked && unread(line) != "" {
			if asked = true; !leave(ctx, env, session, &out) {
				return out
			}
		}
		one, f := runCommand(session, device.Command{Send: line, Once: p.mutating}, min(left, maxOutput))
		if f != nil {
			out.Failure = f
			return out
		}
		left -= len(one.GetOutput())
		out.Found.Commands = append(out.Found.Commands, one)
		if one.GetRefused() == "" {
			continue
		}
		if out.Failure == nil {
			out.Failure = session.Fail(jobv1.Failure_REJECTED, "The device refuses %q (%q).", line, one.GetRefused())
		}
		if p.stopOnError {
			break
		}
	}
	return out
}

// leave asks whether the device may be changed; if not, the outcome says why.
func leave(ctx context.Context, env Env, session *device.Session, out *Outcome) bool {
	session.Stage("proceed")
	err := env.Proceed(ctx)
	if err != nil {
		out.Failure = session.Fail(jobv1.Failure_BUSY, "The device was not changed: %v.", err)
	}
	return err == nil
}

func runCommand(session *device.Session, c device.Command, limit int) (*jobv1.CommandResult, *jobv1.Failure) {
	start := time.Now()
	got, f := session.Run(c)
	if f != nil {
		return nil, f
	}
	one := &jobv1.CommandResult{Command: c.Send, DurationMs: milliseconds(time.Since(start))}
	one.Output, one.Truncated = session.Show(got.Text, limit)
	one.Refused, _ = session.Show([]byte(got.Refused), maxCommandLine)
	return one, nil
}

// milliseconds are rounded up: what happened took time.
func milliseconds(d time.Duration) int32 { return int32((d + time.Millisecond - 1) / time.Millisecond) }
