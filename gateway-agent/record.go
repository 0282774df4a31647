package agent

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// recordMagic begins every record: the kind of file and the version of its layout.
const recordMagic = "nrs1"

// slim copies the result without the bytes that need not travel.
func slim(r *hubv1.Result, full map[string]bool) *hubv1.Result {
	out := proto.CloneOf(r)
	for _, x := range out.GetArtifacts() {
		if x.GetUnchanged() && !full[x.GetName()] {
			x.Sealed = nil
		} else {
			x.Unchanged = false
		}
	}
	return out
}

// encodeRecord is magic | SHA-256 of the body | body, a serialized Result.
func encodeRecord(r *hubv1.Result) ([]byte, error) {
	body, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	b := make([]byte, 0, len(recordMagic)+len(sum)+len(body))
	b = append(append(b, recordMagic...), sum[:]...)
	return append(b, body...), nil
}

func decodeRecord(b []byte) (*hubv1.Result, error) {
	rest, ok := bytes.CutPrefix(b, []byte(recordMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("not a spool record")
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return nil, errors.New("the spool record is damaged")
	}
	r := &hubv1.Result{}
	if err := proto.Unmarshal(body, r); err != nil {
		return nil, fmt.Errorf("the spool record is damaged: %w", err)
	}
	return r, nil
}

// unreadable is what remains of a result that cannot be written down: that the attempt ended.
func unreadable(r *hubv1.Result) *hubv1.Result {
	return &hubv1.Result{
		Attempt: r.GetAttempt(), Spec: r.GetSpec(), StartedAt: r.GetStartedAt(), FinishedAt: r.GetFinishedAt(),
		Failure: &jobv1.Failure{Class: jobv1.Failure_INTERNAL, Stage: "agent", Hint: "The agent could not write down what it collected."},
	}
}
