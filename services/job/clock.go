package job

import (
	"context"
	"sync"
	"time"
)

// clockEvery is how often the clock is compared with the database's.
const clockEvery = 10 * time.Second

// databaseClock tells the database's time: leases are judged by one clock, however many replicas there are and whatever theirs say. Between two
// comparisons it runs on this machine's monotonic clock, so a jump of its wall clock changes nothing.
type databaseClock struct {
	store *store

	mu    sync.Mutex
	local time.Time // with a monotonic reading
	there time.Time
}

// Now is this machine's time until the first comparison.
func (c *databaseClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local.IsZero() {
		return time.Now()
	}
	return c.there.Add(time.Since(c.local))
}

// compare asks the database, and takes the middle of question and answer as the moment of its answer.
func (c *databaseClock) compare(ctx context.Context) error {
	asked := time.Now()
	there, err := c.store.q.DatabaseTime(ctx)
	if err != nil {
		return sqlError(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local, c.there = asked.Add(time.Since(asked)/2), there
	return nil
}
