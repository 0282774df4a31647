package device

import (
	"context"
	"net"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// Config is how one attempt gets to its device. Spec, Page and Credentials are required.
type Config struct {
	// Spec says where the device is, which host keys it may show and until when the attempt counts.
	Spec *jobv1.TaskSpec
	// Page is the device's platform page.
	Page *platforms.Page
	// Credentials returns the opened credentials. It is called at most once, after the host key was
	// accepted, and may block; an error ends the attempt. Credentials that may be had later are a *WaitError.
	Credentials func(ctx context.Context) (*vaultv1.Grant, error)
	// Dial opens the TCP connection. Nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Jump is the host that the device is reached through. Nil: it is connected to directly.
	Jump *Jump
	// Log takes lines for people, without secrets. Nil: nowhere.
	Log func(level, message string)
	// Traffic takes what passes between the session and the device, secrets left out, as it passes. Nil: nowhere.
	Traffic func(Traffic)
	// Progress takes the name of each stage as it begins. Nil: nowhere.
	Progress func(stage string)
	// Now is the clock of the spec's deadline. Nil: time.Now.
	Now func() time.Time
	// Usernames are the login names known from earlier sessions. Nil: none, which costs each first
	// credential a second connection.
	Usernames *Usernames
	// Limits bound the session. Zero fields have the defaults.
	Limits Limits
}

// Limits bound one session. The zero value of a field means its default.
type Limits struct {
	// Connect bounds the TCP connection: 10 s.
	Connect time.Duration
	// Login bounds everything from the TCP connection to a usable prompt: 45 s.
	Login time.Duration
	// Silence is how long a device may say nothing while something is expected: 30 s.
	Silence time.Duration
	// Command bounds one command with all its pages: 300 s. A page may set another bound.
	Command time.Duration
	// Nudge is the quiet after which an empty line is sent to find out whether what looks like a prompt
	// is one: 700 ms.
	Nudge time.Duration
	// Bytes bounds what one command may send: 32 MiB.
	Bytes int
	// Pages bounds how often one command's pager is answered: 20,000.
	Pages int
}

// DefaultLimits are what zero fields of Limits mean.
var DefaultLimits = Limits{
	Connect: 10 * time.Second,
	Login:   45 * time.Second,
	Silence: 30 * time.Second,
	Command: 300 * time.Second,
	Nudge:   700 * time.Millisecond,
	Bytes:   32 << 20,
	Pages:   20000,
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	for _, p := range []struct{ have, want *time.Duration }{
		{&l.Connect, &d.Connect}, {&l.Login, &d.Login}, {&l.Silence, &d.Silence}, {&l.Command, &d.Command}, {&l.Nudge, &d.Nudge},
	} {
		if *p.have <= 0 {
			*p.have = *p.want
		}
	}
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Pages <= 0 {
		l.Pages = d.Pages
	}
	return l
}

func (c Config) withDefaults() Config {
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Log == nil {
		c.Log = func(string, string) {}
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// WaitError is what Config.Credentials returns for credentials that may not be tried now, but later.
type WaitError struct {
	// Why says for people what they wait for.
	Why string
}

// Error returns the reason.
func (e *WaitError) Error() string { return e.Why }

// PolicyError is what Config.Dial returns for an address that this place must not connect to.
type PolicyError struct {
	// Rule says for people what forbids it.
	Rule string
}

// Error returns the rule.
func (e *PolicyError) Error() string { return e.Rule }
