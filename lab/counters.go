package lab

import (
	"maps"
	"sync"
)

// commandLogSize bounds the commands a device remembers.
const commandLogSize = 100

// Counters is what happened to a device since the lab started. MaxSessions is
// the largest number of sessions open at one time.
type Counters struct {
	Connections   int            `json:"connections"`
	Logins        int            `json:"logins"`
	RefusedLogins map[string]int `json:"refused_logins"`
	Sessions      int            `json:"sessions"`
	MaxSessions   int            `json:"max_sessions"`
	Commands      int            `json:"commands"`
	BytesSent     int64          `json:"bytes_sent"`
	// LastCommands are the newest, oldest first, passwords not among them.
	LastCommands []string `json:"last_commands"`
}

// tally keeps the Counters of one device.
type tally struct {
	mu   sync.Mutex
	c    Counters
	open map[*peer]struct{}
	log  []string
}

func (t *tally) connection() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.c.Connections++
}

func (t *tally) refuse(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.c.RefusedLogins == nil {
		t.c.RefusedLogins = map[string]int{}
	}
	t.c.RefusedLogins[account]++
}

// login counts p as a session. Sessions whose client has already hung up are
// dropped first: the client may be back before our reader has seen its end.
func (t *tally) login(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[*peer]struct{}{}
	}
	for old := range t.open {
		if old.hungUp() {
			delete(t.open, old)
		}
	}
	t.open[p] = struct{}{}
	t.c.Logins++
	t.c.MaxSessions = max(t.c.MaxSessions, len(t.open))
}

func (t *tally) logout(p *peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, p)
}

func (t *tally) command(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.log) < commandLogSize {
		t.log = append(t.log, line)
	} else {
		t.log[t.c.Commands%commandLogSize] = line
	}
	t.c.Commands++
}

func (t *tally) sent(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.c.BytesSent += n
}

func (t *tally) sessions() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

func (t *tally) snapshot() Counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.c
	c.Sessions = len(t.open)
	c.RefusedLogins = maps.Clone(c.RefusedLogins)
	if c.RefusedLogins == nil {
		c.RefusedLogins = map[string]int{}
	}
	oldest := 0
	if len(t.log) == commandLogSize {
		oldest = t.c.Commands % commandLogSize
	}
	c.LastCommands = append(append([]string{}, t.log[oldest:]...), t.log[:oldest]...)
	return c
}

// directory counts refused logins per account over all devices, and locks.
type directory struct {
	mu      sync.Mutex
	after   int
	refused map[string]int
}

func (d *directory) refuse(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused[account]++
}

func (d *directory) locked(account string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.after > 0 && d.refused[account] >= d.after
}

func (d *directory) snapshot() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.refused)
}
