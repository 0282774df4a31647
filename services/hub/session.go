package hub

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

const (
	helloPatience = 10 * time.Second
	lastWords     = time.Second
	seenEvery     = 30 * time.Second
	silentBeats   = 3
)

var errSilent = errs.New(codes.DeadlineExceeded, "SILENT", "nothing was heard from the agent for three intervals")

// session is one agent's stream.
type session struct {
	hub     *Service
	stream  grpc.BidiStreamingServer[hubv1.AgentMessage, hubv1.HubMessage]
	log     *slog.Logger
	id      uuid.UUID
	agentID uuid.UUID
	agent   pki.Agent
	cert    []byte // the agent's, DER, as the TLS layer verified it

	ctx     context.Context
	end     context.CancelCauseFunc // says why; only the first reason counts
	in      chan *hubv1.AgentMessage
	out     *outbox
	written chan struct{} // closed when nothing more is sent

	version  string
	leases   *leases
	events   lane[*jobv1.ReportAttemptsRequest_Event]
	lines    lane[*jobv1.AppendTaskLogRequest_Item]
	paged    sentPages
	running  atomic.Int32
	asked    atomic.Int32 // questions of the agent that are not answered yet
	reseen   atomic.Bool  // the row is being written
	lastSeen time.Time    // when the row was last written
}

func newSession(h *Service, stream grpc.BidiStreamingServer[hubv1.AgentMessage, hubv1.HubMessage], agent pki.Agent, cert []byte) (*session, error) {
	agentID, err := uuid.Parse(agent.AgentID)
	if err != nil {
		return nil, errs.Internal(err)
	}
	c := &session{
		hub: h, stream: stream, id: uuid.Must(uuid.NewV7()), agentID: agentID, agent: agent, cert: cert,
		log: h.deps.Log.With("agent", agent.AgentID, "gateway", agent.GatewayID),
		in:  make(chan *hubv1.AgentMessage), out: newOutbox(), written: make(chan struct{}), leases: newLeases(),
	}
	c.ctx, c.end = context.WithCancelCause(stream.Context())
	c.events.send = c.sendEvents
	c.lines.send = c.sendLines
	return c, nil
}

// run holds the stream until it ends and says why it did.
func (c *session) run() error {
	go c.read()
	hello, err := c.hello()
	if err != nil {
		c.end(err)
		return c.why()
	}
	if err := c.hub.sessions.add(c); err != nil {
		return err
	}
	defer c.hub.sessions.remove(c)
	go c.write()
	if err := c.open(hello); err != nil {
		c.end(err)
	} else {
		c.serve()
	}
	c.close()
	return c.why()
}

// read hands messages to the session. It ends when the stream does, or when the session no longer listens.
func (c *session) read() {
	for {
		m, err := c.stream.Recv()
		if err != nil {
			c.end(err)
			return
		}
		select {
		case c.in <- m:
		case <-c.ctx.Done():
			return
		}
	}
}

// serve handles messages and watches the clock until the session ends.
func (c *session) serve() {
	claiming := make(chan struct{})
	go func() {
		defer close(claiming)
		c.claim()
	}()
	interval := c.hub.cfg.Heartbeat
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	heard := time.Now()
	for c.ctx.Err() == nil {
		select {
		case m := <-c.in:
			heard = time.Now()
			c.handle(m)
		case now := <-tick.C:
			c.beat(now, now.Sub(heard) > silentBeats*interval)
		case <-c.ctx.Done():
		}
	}
	<-claiming
}

func (c *session) beat(now time.Time, silent bool) {
	switch {
	case silent:
		c.end(errSilent)
	case c.out.stuck(now):
		c.end(errSlow)
	case now.Sub(c.lastSeen) >= seenEvery && c.reseen.CompareAndSwap(false, true):
		c.lastSeen = now
		go c.see()
	}
}

// see writes that the agent is there; a row that belongs to another session ends this one.
func (c *session) see() {
	defer c.reseen.Store(false)
	ctx, cancel := context.WithTimeout(c.ctx, neighbourPatience)
	defer cancel()
	mine, err := c.hub.store.see(ctx, c, c.hub.deps.Now())
	switch {
	case err != nil && c.ctx.Err() == nil:
		c.log.Warn("the agent's row is not written", "err", err)
	case err == nil && !mine:
		c.end(errReplaced)
	}
}

// close gives what is queued a moment to leave and notes that the agent is gone.
func (c *session) close() {
	select {
	case <-c.written:
	case <-time.After(lastWords):
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), helloPatience)
	defer cancel()
	if err := c.hub.store.disconnect(ctx, c, c.hub.deps.Now()); err != nil {
		c.log.Warn("the agent's row is not written", "err", err)
	}
	c.log.Info("agent disconnected", "session", c.id, "err", context.Cause(c.ctx))
}

// why is the reason as the agent reads it: our own typed ones, nothing for an agent that left by itself.
func (c *session) why() error {
	err := context.Cause(c.ctx)
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return nil
	}
	return err
}

func (c *session) sessionsNow() int32 { return c.running.Load() }
