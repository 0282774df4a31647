package recording

import (
	"strings"
	"sync"

	"github.com/netraven/netraven/device"
	"github.com/netraven/netraven/platforms"
)

// Recorder makes a Session of what device.Config.Traffic reports. It may be called concurrently.
type Recorder struct {
	mu   sync.Mutex
	s    Session
	open map[string]int // exec command -> its exchange
}

// NewRecorder begins a recording of a device of the page's platform.
func NewRecorder(name string, page *platforms.Page) *Recorder {
	return &Recorder{s: Session{Schema: Schema, Name: name, Platform: page.Name, Transport: "exec"}, open: map[string]int{}}
}

// Take notes one piece of traffic.
func (r *Recorder) Take(t device.Traffic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case t.Login: // the engine answers such questions by itself
	case t.Exec != "":
		i, ok := r.open[t.Exec]
		if !ok {
			i = len(r.s.Exchanges)
			r.open[t.Exec] = i
			r.s.Exchanges = append(r.s.Exchanges, Exchange{Send: t.Exec + "\n"})
		}
		if !t.Sent {
			r.s.Exchanges[i].Receive += Text(t.Data)
		}
	case t.Sent:
		r.s.Transport = "shell"
		r.s.Exchanges = append(r.s.Exchanges, Exchange{Send: string(t.Data), Secret: t.Secret})
	case len(r.s.Exchanges) == 0 || r.s.Transport == "exec":
		r.s.Transport = "shell"
		r.s.Greeting += Text(t.Data)
	default:
		r.s.Exchanges[len(r.s.Exchanges)-1].Receive += Text(t.Data)
	}
}

// Session returns what was recorded so far. With a page, secrets in what the device said are masked by it.
func (r *Recorder) Session(mask *platforms.Page) *Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.s
	out.Exchanges = append([]Exchange(nil), r.s.Exchanges...)
	if mask == nil {
		return &out
	}
	out.Greeting = masked(mask, out.Greeting)
	for i := range out.Exchanges {
		out.Exchanges[i].Receive = masked(mask, out.Exchanges[i].Receive)
		out.Exchanges[i].Send = string(masked(mask, Text(out.Exchanges[i].Send)))
	}
	return &out
}

// masked masks text and puts its CRs back: rules are made for lines that end in LF alone.
func masked(page *platforms.Page, t Text) Text {
	if !strings.Contains(string(t), "\r\n") {
		return Text(page.Mask([]byte(t), nil))
	}
	plain := strings.ReplaceAll(string(t), "\r\n", "\n")
	return Text(strings.ReplaceAll(string(page.Mask([]byte(plain), nil)), "\n", "\r\n"))
}
