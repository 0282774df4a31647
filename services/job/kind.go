package job

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

// Kind is something that can be done to a device, as far as the queue needs to know it.
type Kind struct {
	Describe *jobv1.JobKind
	// Validate checks parameters; its errors are typed (INVALID_ARGUMENT/PARAMS_INVALID).
	Validate func(*structpb.Struct) error
}

type kinds []Kind

// check finds a kind and validates parameters for it.
func (k kinds) check(name string, params *structpb.Struct) (*jobv1.JobKind, error) {
	i := slices.IndexFunc(k, func(kind Kind) bool { return kind.Describe.GetName() == name })
	if i < 0 {
		var names []string
		for _, kind := range k {
			names = append(names, kind.Describe.GetName())
		}
		return nil, errs.New(codes.InvalidArgument, "KIND_UNKNOWN", "there is no job kind %q; there is %s", name, strings.Join(names, ", ")).
			Field("kind", "UNKNOWN", "choose one of "+strings.Join(names, ", "))
	}
	if err := k[i].Validate(params); err != nil {
		return nil, err
	}
	return k[i].Describe, nil
}

func (k kinds) find(name string) *jobv1.JobKind {
	if i := slices.IndexFunc(k, func(kind Kind) bool { return kind.Describe.GetName() == name }); i >= 0 {
		return k[i].Describe
	}
	return nil
}

// logsIn tells whether a kind needs credentials. One that this version does not know (any more) is held to the stricter rule.
func (k kinds) logsIn(name string) bool {
	kind := k.find(name)
	return kind == nil || kind.GetLogsIn()
}

// once tells whether how the device fails is the kind's answer.
func (k kinds) once(name string) bool { return k.find(name).GetOnce() }

// ListJobKinds answers the catalogue.
func (s *Service) ListJobKinds(context.Context, *jobv1.ListJobKindsRequest) (*jobv1.ListJobKindsResponse, error) {
	resp := &jobv1.ListJobKindsResponse{}
	for _, k := range s.kinds {
		resp.Items = append(resp.Items, k.Describe)
	}
	return resp, nil
}
