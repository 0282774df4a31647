package gitstore

import "time"

// verifyEarly is how often what git stumbles over may begin a pass before its time.
const verifyEarly = time.Hour

// stumbled begins a pass now, at most one an hour: the git program found damage and did not say in which pack. A nil verifier has nobody to do that.
func (v *verifier) stumbled() {
	if v == nil || !v.bringForward() {
		return
	}
	v.s.log.Error("git found the history damaged; all of it is read through now")
	select {
	case v.early <- struct{}{}:
	default: // it is on its way
	}
}

// bringForward lets the next pass begin now, and one that is under way be followed by another; false where that was so less than verifyEarly ago.
func (v *verified) bringForward() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	if !v.forward.IsZero() && now.Sub(v.forward) < verifyEarly {
		return false
	}
	v.forward, v.next = now, now
	return true
}
