package job

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

const (
	// maxResult is the most that is kept of what an attempt found out, serialized; the hub cuts to far less.
	maxResult = 2 << 20
	// readConfigs is the right that the output of commands needs: it shows what configurations show.
	readConfigs = "gitstore.revision.read"
)

// GetTaskResult answers what the newest attempt that came to anything found out.
func (s *Service) GetTaskResult(ctx context.Context, req *jobv1.GetTaskResultRequest) (*jobv1.TaskResult, error) {
	id, err := parseID("task", req.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.task(ctx, id); err != nil {
		return nil, err
	}
	result, err := s.store.result(ctx, id)
	if err != nil {
		return nil, err
	}
	who := authn.FromContext(ctx)
	if len(result.GetCommands()) > 0 && !who.Can(readConfigs) {
		return nil, errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "%s lacks the permission %s, which the output of commands needs", who.Name(), readConfigs)
	}
	return result, nil
}

// packResult serializes what an attempt found out, without the fields that say whose it is. What is empty, too large or no text is not
// kept: the attempt's end counts all the same.
func packResult(r *jobv1.TaskResult) []byte {
	if r == nil {
		return nil
	}
	b, err := proto.Marshal(&jobv1.TaskResult{Commands: r.GetCommands(), Reachability: r.GetReachability(), Login: r.GetLogin()})
	if err != nil || len(b) == 0 || len(b) > maxResult {
		return nil
	}
	return b
}
