package device

import "sync"

// Usernames remembers the login names of credentials, which are no secrets. SSH wants the name before
// the first key is exchanged, and the agent learns it only after the host key was accepted; a name
// remembered from an earlier session saves that attempt a second connection. The zero value is ready;
// it is safe for concurrent use.
type Usernames struct {
	mu    sync.Mutex
	names map[string]string
}

// maxUsernames bounds the memory; more than this many credentials are forgotten at once.
const maxUsernames = 10000

// get returns the name of a credential; nil receivers and unknown credentials have none.
func (u *Usernames) get(credential string) string {
	if u == nil {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.names[credential]
}

func (u *Usernames) put(credential, name string) {
	if u == nil || credential == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.names == nil || len(u.names) >= maxUsernames {
		u.names = map[string]string{}
	}
	u.names[credential] = name
}
