package job

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
)

// writeTranscripts keeps those of the attempts that ended.
func (b *batch) writeTranscripts(ctx context.Context) error {
	p := jobsql.PutTranscriptsParams{FinishedAt: b.now}
	for _, id := range b.order {
		c := b.tasks[id]
		if c.transcript == nil {
			continue
		}
		p.TaskIds, p.Fences, p.Attempts = append(p.TaskIds, id), append(p.Fences, c.over.fence), append(p.Attempts, c.over.number)
		p.Transcripts, p.Truncated = append(p.Transcripts, c.transcript.GetText()), append(p.Truncated, c.transcript.GetTruncated())
	}
	if len(p.TaskIds) == 0 {
		return nil
	}
	return b.q.PutTranscripts(ctx, p)
}

func (s *store) transcript(ctx context.Context, task uuid.UUID) (*jobv1.Transcript, error) {
	row, err := s.q.GetTranscript(ctx, task)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.New(codes.NotFound, "TRANSCRIPT_NOT_FOUND",
			"this task has no transcript: no attempt has ended yet, or the run was not started with the parameter transcript")
	}
	if err != nil {
		return nil, sqlError(err)
	}
	return &jobv1.Transcript{TaskId: task.String(), RunId: row.RunID.String(), DeviceId: row.DeviceID.String(), DeviceName: row.DeviceName, Kind: row.Kind,
		Attempt: int32(row.Attempt), FinishedAt: timestamppb.New(row.FinishedAt), Text: row.Transcript, Truncated: row.Truncated}, nil
}
