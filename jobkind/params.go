package jobkind

import (
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

// badParam is the error of a parameter.
func badParam(name, reason, message string) error {
	return errs.New(codes.InvalidArgument, "PARAMS_INVALID", "%s: %s", name, message).Field("params."+name, reason, message)
}

// checkNames refuses parameters that the kind does not describe, and null or missing ones that it requires.
func checkNames(kind *jobv1.JobKind, params *structpb.Struct) error {
	for name := range params.GetFields() {
		if !slices.ContainsFunc(kind.GetParams(), func(p *jobv1.JobKind_Param) bool { return p.GetName() == name }) {
			return badParam(name, "UNKNOWN", fmt.Sprintf("kind %s has no such parameter", kind.GetName()))
		}
	}
	for _, p := range kind.GetParams() {
		if p.GetRequired() && params.GetFields()[p.GetName()] == nil {
			return badParam(p.GetName(), "REQUIRED", "must be given")
		}
	}
	return nil
}

// boolParam reads a boolean parameter.
func boolParam(params *structpb.Struct, name string, standard bool) (bool, error) {
	v := params.GetFields()[name]
	if v == nil {
		return standard, nil
	}
	b, ok := v.GetKind().(*structpb.Value_BoolValue)
	if !ok {
		return false, badParam(name, "INVALID", "must be true or false")
	}
	return b.BoolValue, nil
}

// transcriptParam is what every kind that logs in takes.
var transcriptParam = &jobv1.JobKind_Param{Name: "transcript", Type: "boolean",
	Description: "Keep what the device said and what was typed, masked, for when something is to be found out."}

// wantsTranscript tells whether the parameters ask for one. Parameters that cannot be read are for the kind to refuse.
func wantsTranscript(kind Kind, spec *jobv1.TaskSpec) bool {
	if !slices.Contains(kind.Describe().GetParams(), transcriptParam) {
		return false
	}
	params, err := specParams(spec)
	if err != nil {
		return false
	}
	wanted, err := boolParam(params, transcriptParam.GetName(), false)
	return wanted && err == nil
}

// checkOnlyTranscript is for kinds that take nothing else.
func checkOnlyTranscript(kind *jobv1.JobKind, params *structpb.Struct) error {
	if err := checkNames(kind, params); err != nil {
		return err
	}
	_, err := boolParam(params, transcriptParam.GetName(), false)
	return err
}

// specParams reads the parameters of a signed spec.
func specParams(spec *jobv1.TaskSpec) (*structpb.Struct, error) {
	params := &structpb.Struct{}
	if len(spec.GetParams()) == 0 {
		return params, nil
	}
	return params, protojson.Unmarshal(spec.GetParams(), params)
}

// unfit is the failure of a spec whose parameters this agent does not take: the server that made them is of another version.
func unfit(err error) *jobv1.Failure {
	return &jobv1.Failure{Class: jobv1.Failure_POLICY, Stage: "params", Hint: "The agent does not take the parameters of this run: " + errs.From(err).Message() + "."}
}
