package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

const (
	uploadGrace   = 30 * time.Second
	uploadMinRate = 32 << 10 // bytes a second, after the grace
)

// Upload takes a result that is too large for the control stream. An upload that is slower than the minimal rate is cut; the agent keeps
// its record and sends it again.
func (l *link) Upload(stream grpc.ClientStreamingServer[hubv1.UploadChunk, hubv1.ResultAck]) error {
	agent, _, err := caller(stream.Context())
	if err != nil {
		return err
	}
	if err := l.hub.revoked.admit(stream.Context(), agent.AgentID); err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	total := int(first.GetTotal())
	if total <= 0 || total > l.hub.cfg.ResultLimit {
		return errs.New(codes.ResourceExhausted, "TOO_LARGE", "a result of %d bytes; the most is %d", total, l.hub.cfg.ResultLimit)
	}
	release, ok := l.hub.reserve(int64(total))
	if !ok {
		return stream.SendAndClose(retryAck(first.GetAttempt(), "BUSY", retrySoon))
	}
	defer release()
	result, err := receive(stream, first, total)
	if err != nil {
		return err
	}
	return stream.SendAndClose(l.hub.settleUpload(stream.Context(), agent, result))
}

// settleUpload settles a result that came beside the agent's control stream, and frees the session that it took there.
func (s *Service) settleUpload(ctx context.Context, agent pki.Agent, r *hubv1.Result) *hubv1.ResultAck {
	c := s.sessions.get(agent.AgentID)
	if c == nil {
		return s.settle(ctx, agent, nil, r)
	}
	a := attemptOf(r.GetAttempt())
	spec := c.leases.specOf(a)
	c.leases.end(a)
	c.events.flushed(ctx)
	ack := s.settle(ctx, agent, spec, r)
	c.settled(ack)
	return ack
}

// receive reads the whole result. Errors: DEADLINE_EXCEEDED/UPLOAD_TOO_SLOW, DATA_LOSS/DIGEST_MISMATCH, INVALID_ARGUMENT/UPLOAD_INVALID.
func receive(stream grpc.ClientStreamingServer[hubv1.UploadChunk, hubv1.ResultAck], first *hubv1.UploadChunk, total int) (*hubv1.Result, error) {
	ctx, cancel := context.WithTimeout(stream.Context(), uploadGrace+time.Duration(total/uploadMinRate)*time.Second)
	defer cancel()
	type received struct {
		data []byte
		err  error
	}
	done := make(chan received, 1)
	go func() { // Recv knows no deadline; it ends with the stream
		data, err := assemble(stream.Recv, first, total)
		done <- received{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, errs.New(codes.DeadlineExceeded, "UPLOAD_TOO_SLOW", "the upload is too slow; send it again later")
	case r := <-done:
		if r.err != nil {
			return nil, r.err
		}
		return parseUpload(r.data, first)
	}
}

// assemble joins the chunks, which must come in order and fit the total.
func assemble(next func() (*hubv1.UploadChunk, error), chunk *hubv1.UploadChunk, total int) ([]byte, error) {
	invalid := errs.New(codes.InvalidArgument, "UPLOAD_INVALID", "the parts of the upload do not fit together")
	data := make([]byte, 0, min(total, 1<<20)) // grows with what really comes
	for {
		if int(chunk.GetOffset()) != len(data) || len(chunk.GetData()) > maxChunk || len(data)+len(chunk.GetData()) > total {
			return nil, invalid
		}
		data = append(data, chunk.GetData()...)
		var err error
		chunk, err = next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(data) != total {
		return nil, invalid
	}
	return data, nil
}

func parseUpload(data []byte, first *hubv1.UploadChunk) (*hubv1.Result, error) {
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], first.GetSha256()) {
		return nil, errs.New(codes.DataLoss, "DIGEST_MISMATCH", "the upload arrived damaged; send it again")
	}
	r := &hubv1.Result{}
	if err := proto.Unmarshal(data, r); err != nil || attemptOf(r.GetAttempt()) != attemptOf(first.GetAttempt()) {
		return nil, errs.New(codes.InvalidArgument, "UPLOAD_INVALID", "the upload is not the result it says it is").Wrap(err)
	}
	return r, nil
}
