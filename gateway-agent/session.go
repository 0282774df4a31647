package agent

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	protocol        = 1
	welcomePatience = 20 * time.Second
	silentBeats     = 3
	refsPerMessage  = 1000 // 64 KiB hold a few more
	queueLength     = 256
	spoolRetry      = 5 * time.Second
	maxSkew         = time.Minute
)

var (
	errRenewed = errors.New("the certificate was renewed")
	errSilent  = errors.New("nothing was heard from the hub for three intervals")
)

// drainedError says that the hub asked to connect elsewhere.
type drainedError struct {
	reason string
	after  time.Duration
}

func (e *drainedError) Error() string { return "the hub drains: " + e.reason }

// session is one stream to the hub.
type session struct {
	agent  *Agent
	conn   *grpc.ClientConn
	stream grpc.BidiStreamingClient[hubv1.AgentMessage, hubv1.HubMessage]
	ctx    context.Context
	end    context.CancelCauseFunc
	out    chan *hubv1.AgentMessage
	wrote  chan struct{}
	done   chan struct{} // closed when nothing more is read
	opened bool

	interval    time.Duration
	inlineLimit int
	resultLimit int
	heard       atomic.Int64 // monotonic nanoseconds since began
	began       time.Time
	sequence    int64
	saidFull    bool
	uploads     chan struct{}
}

func newSession(ctx context.Context, a *Agent) *session {
	s := &session{agent: a, out: make(chan *hubv1.AgentMessage, queueLength), wrote: make(chan struct{}), done: make(chan struct{}), began: time.Now()}
	s.ctx, s.end = context.WithCancelCause(ctx)
	return s
}

// run holds the stream until it ends and answers why.
func (s *session) run() error {
	defer s.end(context.Canceled)
	conn, err := s.agent.dial(s.agent.identity.tls(s.agent.now))
	if err != nil {
		return err
	}
	s.conn = conn
	// Closing the connection tears the transport down, even one that TCP still believes in.
	defer func() { _ = conn.Close() }()
	if err := s.open(); err != nil {
		return err
	}
	s.opened = true
	s.serve()
	return context.Cause(s.ctx)
}

// open says Hello and waits for the Welcome.
func (s *session) open() error {
	patience := time.AfterFunc(welcomePatience, func() { s.end(errors.New("the hub does not answer")) })
	defer patience.Stop()
	stream, err := hubv1.NewLinkServiceClient(s.conn).Connect(s.ctx)
	if err != nil {
		return err
	}
	s.stream = stream
	aborted, hellos := s.agent.hello()
	for _, h := range hellos {
		if err := stream.Send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Hello{Hello: h}}); err != nil {
			_, err = stream.Recv() // the reason is on the other side
			return err
		}
	}
	m, err := stream.Recv()
	if err != nil {
		return err
	}
	w := m.GetWelcome()
	if w == nil || w.GetProtocol() != protocol || w.GetHeartbeatSeconds() <= 0 {
		return errors.New("the hub did not welcome the agent in a protocol it speaks")
	}
	s.interval = time.Duration(w.GetHeartbeatSeconds()) * time.Second
	s.inlineLimit, s.resultLimit = int(w.GetInlineLimit()), int(w.GetResultLimit())
	s.agent.reported(aborted)
	if skew := w.GetClock().AsTime().Sub(s.agent.now()).Abs(); w.GetClock() != nil && skew > maxSkew {
		s.agent.log.Warn("the clocks of hub and agent differ; certificates and deadlines may be misjudged", "skew", skew)
	}
	s.agent.log.Info("connected", "session", w.GetSessionId(), "epoch", w.GetEpoch())
	return nil
}

// serve runs the open stream.
func (s *session) serve() {
	s.agent.attach(s)
	defer s.agent.detach(s)
	s.hear()
	go s.read()
	go s.write()
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		s.deliver()
	}()
	s.watch()
	<-delivered
	<-s.wrote
	<-s.done
}

func (s *session) hear() { s.heard.Store(int64(time.Since(s.began))) }

// watch sends heartbeats, ends a silent stream, renews the certificate and retries the disk, until the session ends.
func (s *session) watch() {
	beat := time.NewTicker(s.interval)
	defer beat.Stop()
	check := time.NewTicker(max(s.interval/3, 100*time.Millisecond))
	defer check.Stop()
	retry := time.NewTicker(spoolRetry)
	defer retry.Stop()
	renewal := time.NewTimer(s.agent.identity.renewAt().Sub(s.agent.now()))
	defer renewal.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-beat.C:
			s.heartbeat()
		case <-check.C:
			if time.Since(s.began)-time.Duration(s.heard.Load()) > silentBeats*s.interval {
				s.end(errSilent)
			}
		case <-retry.C:
			s.mendSpool()
		case <-renewal.C:
			s.renew(renewal)
		}
	}
}

// renew gets the next certificate and connects anew with it: what the hub shows to vault is the certificate of the connection.
func (s *session) renew(next *time.Timer) {
	if err := s.agent.renew(s.ctx, s.conn); err != nil {
		s.agent.log.Warn("the certificate is not renewed yet", "err", err)
		next.Reset(time.Minute)
		return
	}
	s.end(errRenewed)
}

func (s *session) heartbeat() {
	running := s.agent.inHand()
	for first := true; first || len(running) > 0; first = false {
		n := min(len(running), refsPerMessage)
		s.sequence++
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Heartbeat{Heartbeat: &hubv1.Heartbeat{
			Sequence: s.sequence, Clock: timestamppb.New(s.agent.now()), Running: running[:n],
		}}})
		running = running[n:]
	}
}

// send queues a message. It blocks while the queue is full, until the session ends.
func (s *session) send(m *hubv1.AgentMessage) {
	select {
	case s.out <- m:
	case <-s.ctx.Done():
	}
}

func (s *session) write() {
	defer close(s.wrote)
	for {
		select {
		case m := <-s.out:
			if err := s.stream.Send(m); err != nil {
				return // the reader knows why
			}
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *session) read() {
	defer close(s.done)
	for {
		m, err := s.stream.Recv()
		if err == nil {
			err = s.ctx.Err()
		}
		if err != nil {
			s.end(fmt.Errorf("the stream ended: %w", err))
			return
		}
		s.hear()
		s.handle(m)
	}
}

// handle takes one message of the hub. Unknown ones are answered, never a reason to close.
func (s *session) handle(m *hubv1.HubMessage) {
	a := s.agent
	switch m := m.GetMessage().(type) {
	case *hubv1.HubMessage_ResumeVerdict:
		a.judge(s, m.ResumeVerdict)
	case *hubv1.HubMessage_Offer:
		a.offered(s, m.Offer)
	case *hubv1.HubMessage_OfferRevoked:
		a.cancel(attemptOf(m.OfferRevoked.GetAttempt()), errLeaseLost)
	case *hubv1.HubMessage_CredentialGrant:
		a.granted(m.CredentialGrant)
	case *hubv1.HubMessage_ProceedReply:
		a.proceed(m.ProceedReply)
	case *hubv1.HubMessage_ResultAck:
		s.acknowledged(m.ResultAck)
	case *hubv1.HubMessage_Cancel:
		a.cancel(attemptOf(m.Cancel.GetAttempt()), cancelCause(m.Cancel.GetReason()))
	case *hubv1.HubMessage_DesiredState:
		a.desire(m.DesiredState)
	case *hubv1.HubMessage_Drain:
		s.end(&drainedError{reason: m.Drain.GetReason(), after: time.Duration(m.Drain.GetReconnectAfterMs()) * time.Millisecond})
	case *hubv1.HubMessage_ConfigUpdate:
		a.configure(m.ConfigUpdate)
	case *hubv1.HubMessage_HeartbeatAck, *hubv1.HubMessage_Welcome:
	case *hubv1.HubMessage_Unsupported:
		a.log.Warn("the hub did not understand a message", "field", m.Unsupported.GetFieldNumber())
	}
	if m.GetMessage() == nil {
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Unsupported{Unsupported: &hubv1.Unsupported{FieldNumber: unknownField(m)}}})
	}
}

// unknownField is the number of the first field that this program does not know, or 0.
func unknownField(m proto.Message) int32 {
	number, _, n := protowire.ConsumeField(m.ProtoReflect().GetUnknown())
	if n < 0 {
		return 0
	}
	return int32(number)
}

func cancelCause(reason string) error {
	if reason == "CANCELLED" {
		return errCancelled
	}
	return errLeaseLost
}

func refs(all []attempt) []*jobv1.AttemptRef {
	out := make([]*jobv1.AttemptRef, len(all))
	for i, a := range all {
		out[i] = a.ref()
	}
	return out
}
