package gitstore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/services/gitstore/repo"
)

type (
	outcome = gitstorev1.StoreResultsResponse_Item
	item    = gitstorev1.StoreResultsRequest_Item
)

// attempt is one item of a call on its way through.
type attempt struct {
	in     *item
	device uuid.UUID
	task   uuid.UUID
	run    uuid.UUID
	// reader is what the artifacts were opened and masked with.
	reader *reader
	// texts are the artifacts that came with bytes, opened and masked.
	texts []text
	// shreds is how often something had been shredded when the keys were fetched that opened them.
	shreds int64
	// out is set once the attempt is decided.
	out *outcome
}

// key names an attempt.
type key struct {
	task  uuid.UUID
	fence int64
}

// repository is where what it brought is committed.
func (a *attempt) repository() string { return cmp.Or(a.in.GetRepository(), repository) }

func (a *attempt) key() key { return key{a.task, a.in.GetFence()} }

// StoreResults stores the artifacts of attempts.
func (s *Service) StoreResults(ctx context.Context, in *gitstorev1.StoreResultsRequest) (*gitstorev1.StoreResultsResponse, error) {
	attempts, err := read(in.GetItems())
	if err != nil {
		return nil, err
	}
	err = s.storeAll(ctx, attempts)
	if err != nil && !retryable(err) {
		return nil, err
	}
	out := &gitstorev1.StoreResultsResponse{}
	for _, a := range attempts {
		if a.out == nil {
			s.log.Warn("a result must be sent again", "task", a.task, "device", a.device, "err", err)
			a.out = later(err)
		}
		out.Items = append(out.Items, a.out)
	}
	return out, nil
}

func (s *Service) storeAll(ctx context.Context, attempts []*attempt) error {
	attempts = open(attempts)
	if slices.ContainsFunc(attempts, bringsBytes) { // opening them is most of the work; the writer asks again what is known
		if err := s.answerKnown(ctx, attempts); err != nil {
			return err
		}
	}
	if err := s.open(ctx, open(attempts)); err != nil {
		return err
	}
	s.mark(open(attempts))
	if err := s.compare(ctx, open(attempts)); err != nil {
		return err
	}
	return s.commit(ctx, open(attempts))
}

// retryable tells what a later try may overcome. Anything else is a fault of ours and is logged as one.
func retryable(err error) bool { return laterReason(err) != "" }

// laterReason says why a result must come again: a full disk, a history that is damaged where it goes on, another writer, a neighbour that is away. Empty: it is none of these.
func laterReason(err error) string {
	switch reason := errs.Reason(err); {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), databaseFull(err):
		return "DISK_FULL"
	case errors.Is(err, repo.ErrCorrupt):
		return "HISTORY_DAMAGED"
	case errors.Is(err, errHeadMoved), reason == "SERVICE_UNAVAILABLE", reason == "KEY_UNAVAILABLE":
		return reason
	}
	return ""
}

func later(err error) *outcome {
	return &outcome{Outcome: gitstorev1.StoreResultsResponse_Item_RETRY_LATER, Reason: laterReason(err)}
}

func read(items []*item) ([]*attempt, error) {
	out := make([]*attempt, 0, len(items))
	for _, i := range items {
		a := &attempt{in: i}
		for to, from := range map[*uuid.UUID]string{&a.device: i.GetDeviceId(), &a.task: i.GetTaskId(), &a.run: i.GetRunId()} {
			id, err := uuid.Parse(from)
			if err != nil {
				return nil, errs.Invalid("items", "NOT_AN_ID", "device, task and run must be ids")
			}
			*to = id
		}
		if !wellknown.IsRepository(a.repository()) {
			a.out = rejected("REPOSITORY_INVALID")
		}
		if !wellFormed(i.GetArtifacts()) {
			a.out = rejected("ARTIFACTS_INVALID")
		}
		out = append(out, a)
	}
	return out, nil
}

// wellFormed tells whether artifacts can be rows: each comes once, and what an agent calls them is short text without NUL. Sent again, others would never be.
func wellFormed(artifacts []*gitstorev1.StoredArtifact) bool {
	const longest = 256
	names := map[string]bool{}
	for _, in := range artifacts {
		for _, text := range []string{in.GetName(), in.GetLabel(), in.GetDigest()} {
			if len(text) > longest || strings.ContainsRune(text, 0) {
				return false
			}
		}
		if names[in.GetName()] {
			return false
		}
		names[in.GetName()] = true
	}
	return true
}

// open are the attempts that are not decided yet.
func open(attempts []*attempt) []*attempt {
	var out []*attempt
	for _, a := range attempts {
		if a.out == nil {
			out = append(out, a)
		}
	}
	return out
}

// answerKnown gives repeats the first answer.
func (s *Service) answerKnown(ctx context.Context, attempts []*attempt) error {
	known, err := s.store.stored(ctx, attempts)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		if k, ok := known[a.key()]; ok {
			a.out = durable(k.revisions, k.suspect)
		}
	}
	return nil
}

func durable(revisions []uuid.UUID, apart *gitstorev1.Suspect) *outcome {
	o := &outcome{Outcome: gitstorev1.StoreResultsResponse_Item_DURABLE, Changed: len(revisions) > 0, Suspect: apart}
	for _, id := range revisions {
		o.RevisionIds = append(o.RevisionIds, id.String())
	}
	return o
}

func rejected(reason string) *outcome {
	return &outcome{Outcome: gitstorev1.StoreResultsResponse_Item_REJECTED, Reason: reason}
}

// GetKnownDigests answers the change digests of the devices' newest revisions.
func (s *Service) GetKnownDigests(ctx context.Context, in *gitstorev1.GetKnownDigestsRequest) (*gitstorev1.GetKnownDigestsResponse, error) {
	ids := make([]uuid.UUID, 0, len(in.GetDeviceIds()))
	for _, text := range in.GetDeviceIds() {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, errs.Invalid("device_ids", "NOT_AN_ID", "must be ids")
		}
		ids = append(ids, id)
	}
	states, err := s.store.states(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := &gitstorev1.GetKnownDigestsResponse{}
	for i, id := range ids {
		answer := &gitstorev1.GetKnownDigestsResponse_Item{DeviceId: in.GetDeviceIds()[i]}
		for name, st := range states[id] {
			if known := s.label(st.Label); known != "" { // else, indexed from git for one, its bytes must come
				answer.Digests = append(answer.Digests, &gitstorev1.KnownDigest{Artifact: name, Label: known, Digest: st.Digest})
			}
		}
		out.Items = append(out.Items, answer)
	}
	return out, nil
}
