package hub

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	outboxBytes  = 1 << 20
	sendPatience = 10 * time.Second
)

var errSlow = errs.New(codes.ResourceExhausted, "SLOW_CONSUMER", "the agent does not read what it is sent")

// outbox is what waits to be sent to one agent. It never blocks who fills it: an agent that does not read is closed, so the others never
// wait for it.
type outbox struct {
	mu      sync.Mutex
	queue   []*hubv1.HubMessage
	bytes   int
	sending time.Time // when the message that is being sent was begun; zero: none is
	ready   chan struct{}
}

func newOutbox() *outbox { return &outbox{ready: make(chan struct{}, 1)} }

// put queues a message; false means that the queue is full.
func (o *outbox) put(m *hubv1.HubMessage) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	size := proto.Size(m)
	if o.bytes+size > outboxBytes {
		return false
	}
	o.bytes += size
	o.queue = append(o.queue, m)
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return true
}

// next takes the first message and notes that it is being sent; nil: there is none.
func (o *outbox) next(now time.Time) *hubv1.HubMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		o.queue, o.sending = nil, time.Time{}
		return nil
	}
	m := o.queue[0]
	o.queue[0] = nil
	o.queue = o.queue[1:]
	o.bytes -= proto.Size(m)
	o.sending = now
	return m
}

// stuck tells whether one message has been on its way for too long.
func (o *outbox) stuck(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.sending.IsZero() && now.Sub(o.sending) > sendPatience
}

// write sends what is queued until the session ends; what was queued before the end is still sent.
func (c *session) write() {
	defer close(c.written)
	for {
		select {
		case <-c.out.ready:
		case <-c.ctx.Done():
			_ = c.flush() // the session is over; what the stream still takes is sent
			return
		}
		if err := c.flush(); err != nil {
			c.end(err)
			return
		}
	}
}

func (c *session) flush() error {
	for {
		m := c.out.next(time.Now())
		if m == nil {
			return nil
		}
		if err := c.stream.Send(m); err != nil {
			return err
		}
	}
}

// send queues a message for the agent. It never blocks; an agent that reads too slowly loses its session.
func (c *session) send(m *hubv1.HubMessage) {
	if !c.out.put(m) {
		c.end(errSlow)
	}
}
