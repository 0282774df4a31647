package gitstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	contentType = "text/plain; charset=utf-8"
	// usualContext lines stand around a change; maxContextLines are all that any text has.
	usualContext    = 3
	maxContextLines = 1_000_000
	// maxDiffLines is what a diff as data may have: a line takes some hundred bytes of memory there. maxDiffText bounds the text in bytes, below what one message may be.
	maxDiffLines = 500_000
	maxDiffText  = 64 << 20
)

// forever is later than any revision, and a year that PostgreSQL knows.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ListRevisions pages through a device's revisions, newest first.
func (s *Service) ListRevisions(ctx context.Context, in *gitstorev1.ListRevisionsRequest) (*gitstorev1.ListRevisionsResponse, error) {
	p := gitstoresql.ListRevisionsParams{Artifact: in.GetArtifact(), BeforeID: uuid.Max, PageSize: page.Size(in.GetPageSize()),
		OneState: in.GetState() != gitstorev1.Revision_UNSPECIFIED, Suspect: in.GetState() == gitstorev1.Revision_SUSPECT}
	if in.GetDeviceId() != "" {
		device, err := uuid.Parse(in.GetDeviceId())
		if err != nil {
			return &gitstorev1.ListRevisionsResponse{}, nil // no device has that id, so it has no revisions
		}
		p.DeviceID = device
	}
	p.Since, p.Until = time.Unix(0, 0), forever
	if in.GetSince() != nil {
		// Ids are UUIDv7, made when a revision is indexed, which is never before it was recorded.
		p.Since = in.GetSince().AsTime()
		p.FromID = page.FirstID(p.Since)
	}
	if in.GetUntil() != nil {
		p.Until = in.GetUntil().AsTime()
	}
	parts, err := page.Parse(in.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		if p.BeforeID, err = uuid.Parse(parts[0]); err != nil {
			return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
		}
	}
	rows, err := s.store.revisions(ctx, p)
	if err != nil {
		return nil, err
	}
	out := &gitstorev1.ListRevisionsResponse{}
	for _, r := range rows {
		out.Items = append(out.Items, revisionOf(r))
	}
	if len(rows) == int(p.PageSize) {
		out.NextPageToken = page.Token(rows[len(rows)-1].ID.String())
	}
	return out, nil
}

func revisionOf(r gitstoresql.Revision) *gitstorev1.Revision {
	out := &gitstorev1.Revision{Id: r.ID.String(), DeviceId: r.DeviceID.String(), Artifact: r.Artifact, Number: r.Number, Size: r.Size, LinesAdded: r.LinesAdded,
		LinesRemoved: r.LinesRemoved, Suspect: r.Suspect, Author: r.Author, Commit: r.CommitHash, CreatedAt: timestamppb.New(r.CreatedAt), RunId: r.RunID.String(),
		TaskId: r.TaskID.String(), Digest: r.Digest, Repository: r.Repository}
	if r.RemaskedAt != nil {
		out.RemaskedAt = timestamppb.New(*r.RemaskedAt)
	}
	return out
}

// revision reads a row by its id as a person sent it.
func (s *Service) revision(ctx context.Context, text string) (gitstoresql.Revision, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return gitstoresql.Revision{}, errs.NotFound("revision", text)
	}
	return s.store.revision(ctx, id)
}

// GetRevision answers one revision.
func (s *Service) GetRevision(ctx context.Context, in *gitstorev1.GetRevisionRequest) (*gitstorev1.Revision, error) {
	r, err := s.revision(ctx, in.GetId())
	return revisionOf(r), err
}

// GetContent answers the exact bytes of a revision.
func (s *Service) GetContent(ctx context.Context, in *gitstorev1.GetContentRequest) (*httpbody.HttpBody, error) {
	r, err := s.revision(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	var content []byte
	switch in.GetView() {
	case "", "masked":
		content, err = s.masked(ctx, r)
	case "restorable":
		content, err = s.restorable(ctx, r)
	default:
		const help = "use masked or restorable"
		err = errs.New(codes.InvalidArgument, "VIEW_UNKNOWN", "there is no view %q; %s", in.GetView(), help).Field("view", "VIEW_UNKNOWN", help)
	}
	if err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: contentType, Data: content}, nil
}

func (s *Service) masked(ctx context.Context, r gitstoresql.Revision) ([]byte, error) {
	if r.Suspect {
		return s.store.suspectText(ctx, r.ID)
	}
	return s.blob(ctx, r.Repository, r.Blob)
}

// GetDiff answers the unified diff of two revisions.
func (s *Service) GetDiff(ctx context.Context, in *gitstorev1.GetDiffRequest) (*httpbody.HttpBody, error) {
	if f := in.GetFormat(); f != "" && f != "text" && f != "json" {
		return nil, errs.New(codes.InvalidArgument, "FORMAT_UNKNOWN", "there is no format %q; use text or json", f).Field("format", "FORMAT_UNKNOWN", "use text or json")
	}
	around := usualContext
	if in.Context != nil {
		around = int(in.GetContext())
	}
	if around < 0 || around > maxContextLines {
		return nil, errs.Invalid("context", "OUT_OF_RANGE", "must be 0 to 1000000 lines")
	}
	for field, id := range map[string]string{"from": in.GetFrom(), "to": in.GetTo()} {
		if id == "" {
			return nil, errs.Invalid(field, "MISSING", "must name a revision by its id")
		}
	}
	from, before, err := s.side(ctx, in.GetFrom())
	if err != nil {
		return nil, err
	}
	to, after, err := s.side(ctx, in.GetTo())
	if err != nil {
		return nil, err
	}
	asData := in.GetFormat() == "json"
	var hunks []*gitstorev1.Diff_Hunk
	if asData {
		if hunks, err = hunksOf(before, after, around); err != nil {
			return nil, err
		}
	}
	unified := repo.Diff(label(from), label(to), before, after, around)
	if len(unified) > maxDiffText {
		return nil, tooLarge("has %d bytes, and the most is %d; take fewer lines of context, or compare the two contents", len(unified), maxDiffText)
	}
	if !asData {
		return &httpbody.HttpBody{ContentType: contentType, Data: []byte(unified)}, nil
	}
	added, removed := repo.Stat(before, after)
	b, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(&gitstorev1.Diff{
		From: in.GetFrom(), To: in.GetTo(), Unified: strings.ToValidUTF8(unified, "\ufffd"), LinesAdded: int32(min(added, 1<<30)),
		LinesRemoved: int32(min(removed, 1<<30)), Hunks: hunks})
	return &httpbody.HttpBody{ContentType: "application/json", Data: b}, err
}

func tooLarge(format string, args ...any) error {
	return errs.New(codes.FailedPrecondition, "DIFF_TOO_LARGE", "the diff "+format, args...)
}

// hunksOf is a diff as data, for views that set both sides beside each other.
func hunksOf(before, after []byte, around int) ([]*gitstorev1.Diff_Hunk, error) {
	hunks, lines := repo.Hunks(before, after, around), 0
	for _, h := range hunks {
		lines += len(h.Lines)
	}
	if lines > maxDiffLines {
		return nil, tooLarge("has %d lines, and as data the most is %d; take it as text, or with fewer lines of context", lines, maxDiffLines)
	}
	sides := map[byte]gitstorev1.Diff_Line_Side{' ': gitstorev1.Diff_Line_BOTH, '-': gitstorev1.Diff_Line_OLD, '+': gitstorev1.Diff_Line_NEW}
	var out []*gitstorev1.Diff_Hunk
	for _, h := range hunks {
		x := &gitstorev1.Diff_Hunk{OldStart: int32(h.OldStart), OldLines: int32(h.OldLines), NewStart: int32(h.NewStart), NewLines: int32(h.NewLines)} //nolint:gosec // lines fit
		for _, l := range h.Lines {
			x.Lines = append(x.Lines, &gitstorev1.Diff_Line{Side: sides[l.Op], Text: strings.ToValidUTF8(strings.TrimSuffix(string(l.Text), "\n"), "\ufffd")})
		}
		out = append(out, x)
	}
	return out, nil
}

func (s *Service) side(ctx context.Context, id string) (gitstoresql.Revision, []byte, error) {
	r, err := s.revision(ctx, id)
	if err != nil {
		return r, nil, err
	}
	b, err := s.masked(ctx, r)
	return r, b, err
}

func label(r gitstoresql.Revision) string {
	if r.Suspect {
		return r.Artifact + "@suspect"
	}
	return r.Artifact + "@" + strconv.Itoa(int(r.Number))
}
