package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	maxUploads    = 4
	uploadChunk   = 256 << 10
	uploadTimeout = 40 * time.Minute // 64 MiB at the hub's minimal rate
	ackPatience   = 3 * time.Minute  // then a result is sent again on the same stream
	retryPause    = 5 * time.Second
)

// deliver sends what waits in the spool, oldest first, until the session ends.
func (s *session) deliver() {
	s.uploads = make(chan struct{}, maxUploads)
	spool := s.agent.spool
	for s.ctx.Err() == nil {
		a, ok, wait := spool.next(s.agent.now())
		if ok {
			s.deliverOne(a)
			continue
		}
		if wait == 0 {
			wait = spoolRetry
		}
		select {
		case <-spool.ready:
		case <-time.After(wait):
		case <-s.ctx.Done():
		}
	}
	for range maxUploads { // none may outlive the stream
		s.uploads <- struct{}{}
	}
}

func (s *session) deliverOne(a attempt) {
	r, err := s.agent.spool.load(a)
	if errors.Is(err, os.ErrNotExist) {
		s.agent.spool.quarantine(a, "the record is gone")
		return
	}
	if err != nil {
		s.agent.spool.quarantine(a, err.Error())
		return
	}
	size := proto.Size(r)
	switch {
	case size > s.resultLimit:
		s.replace(a, r)
	case size > s.inlineLimit:
		s.upload(a, r)
	default:
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Result{Result: r}})
	}
}

// replace puts a failure in place of a result that no hub takes, so that the task ends and the records behind it flow.
func (s *session) replace(a attempt, r *hubv1.Result) {
	s.agent.spool.quarantine(a, "TOO_LARGE")
	s.agent.spool.put(fail(r, jobv1.Failure_OUTPUT_LIMIT, "What the device answered is larger than the server takes."))
}

// upload sends a large result beside the stream, a few at a time.
func (s *session) upload(a attempt, r *hubv1.Result) {
	select {
	case s.uploads <- struct{}{}:
	case <-s.ctx.Done():
		return
	}
	s.agent.spool.uploading(a, s.agent.now().Add(uploadTimeout))
	go func() {
		defer func() { <-s.uploads }()
		ack, err := s.uploadOnce(r)
		switch {
		case err == nil:
			s.acknowledged(ack)
		case errs.Code(err) == codes.ResourceExhausted && errs.Reason(err) == "TOO_LARGE":
			s.replace(a, r)
		case errs.Code(err) == codes.PermissionDenied, errs.Code(err) == codes.InvalidArgument:
			s.agent.spool.quarantine(a, errs.Reason(err))
		default:
			if s.ctx.Err() == nil {
				s.agent.log.Warn("a result could not be uploaded yet", "task", a.task, "err", err)
			}
			s.agent.spool.again(a, s.agent.now().Add(retryPause))
		}
	}()
}

func (s *session) uploadOnce(r *hubv1.Result) (*hubv1.ResultAck, error) {
	ctx, cancel := context.WithTimeout(s.ctx, uploadTimeout)
	defer cancel()
	stream, err := hubv1.NewLinkServiceClient(s.conn).Upload(ctx)
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	for offset := 0; offset < len(data); offset += uploadChunk {
		chunk := &hubv1.UploadChunk{Offset: int32(offset), Data: data[offset:min(offset+uploadChunk, len(data))]}
		if offset == 0 {
			chunk.Attempt, chunk.Total, chunk.Sha256 = r.GetAttempt(), int32(len(data)), sum[:]
		}
		if stream.Send(chunk) != nil {
			break // CloseAndRecv knows why
		}
	}
	return stream.CloseAndRecv()
}

// acknowledged does with a record what the hub says.
func (s *session) acknowledged(ack *hubv1.ResultAck) {
	a, spool := attemptOf(ack.GetAttempt()), s.agent.spool
	switch ack.GetOutcome() {
	case hubv1.ResultAck_DURABLE:
		spool.drop(a)
	case hubv1.ResultAck_REJECT:
		spool.quarantine(a, valid(ack.GetReason()))
	case hubv1.ResultAck_NEED_CONTENT:
		spool.again(a, time.Time{}, ack.GetArtifacts()...)
	default: // RETRY_LATER, and what a later hub may invent
		after := max(time.Duration(ack.GetRetryAfterMs())*time.Millisecond, 100*time.Millisecond)
		spool.again(a, s.agent.now().Add(after))
	}
}
