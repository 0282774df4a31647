package job

import (
	"context"
	"sync"
	"time"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	defaultMaxSessions     = 50
	defaultLoginsPerSecond = 20
	// capsFor is how old caps may be when work is claimed: short enough that a change counts at once for people, long enough that ten thousand agents
	// that ask at the same moment cost one question.
	capsFor = 50 * time.Millisecond
)

// capCache remembers the gateways' caps for a moment, so that claims that come together ask once.
type capCache struct {
	client inventoryv1.TargetServiceClient
	now    func() time.Time

	mu    sync.Mutex
	asked time.Time
	caps  map[string]*inventoryv1.ListGatewayCapsResponse_Item
}

// of answers a gateway's caps. It blocks on inventory when the last answer is old; that answer serves on while inventory is away.
func (c *capCache) of(ctx context.Context, gateway string) (maxSessions, loginsPerSecond int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := c.now().Sub(c.asked); c.caps == nil || age >= capsFor || age < 0 {
		resp, err := c.client.ListGatewayCaps(ctx, &inventoryv1.ListGatewayCapsRequest{})
		if err != nil && c.caps == nil {
			return 0, 0, err
		}
		if err == nil {
			c.caps = map[string]*inventoryv1.ListGatewayCapsResponse_Item{}
			for _, item := range resp.GetItems() {
				c.caps[item.GetGatewayId()] = item
			}
		}
		c.asked = c.now()
	}
	caps, ok := c.caps[gateway]
	if !ok {
		return 0, 0, errs.NotFound("gateway", gateway)
	}
	return orDefault(caps.GetMaxSessions(), defaultMaxSessions), orDefault(caps.GetLoginsPerSecond(), defaultLoginsPerSecond), nil
}

func orDefault(n int32, standard int) int {
	if n <= 0 {
		return standard
	}
	return int(n)
}
