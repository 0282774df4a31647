package device

import "time"

const keepalive = "keepalive@openssh.com"

// keepAlive asks the device for a sign of life every so often, for what stands between and forgets quiet connections. The answer is no
// output: a device that only answers these is silent all the same. One that never answers is asked once.
func (l *link) keepAlive(every time.Duration) {
	l.served.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-l.gone:
				return
			case <-tick.C:
				if _, _, err := l.client.SendRequest(keepalive, true, nil); err != nil {
					return
				}
			}
		}
	})
}

// cutWait is how long the end of a connection may take to follow the end of its channels, which is no time at all.
const cutWait = 500 * time.Millisecond

// alive reports whether the device still answers on this connection. It blocks until it does, or until
// the watch ends it. A device that stands no keepalive is not asked: if its connection was cut, that shows at once.
func (s *Session) alive() bool {
	if s.cfg.Spec.KeepaliveSeconds == nil || s.cfg.Spec.GetKeepaliveSeconds() > 0 {
		_, _, err := s.link.client.SendRequest(keepalive, true, nil)
		return err == nil
	}
	late := time.NewTimer(cutWait)
	defer late.Stop()
	select {
	case <-s.link.gone:
		return false
	case <-late.C:
		return true
	}
}
