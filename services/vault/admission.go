package vault

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
)

const (
	probationInFlight = 4
	goodInFlight      = 50
	// maxListed bounds the passwords that one attempt may try.
	maxListed = 5
	// retryInFlight is when a task that waits for a free place should ask again: reports free places all the time.
	retryInFlight = 300 * time.Millisecond
	maxRounds     = 3

	// pauseAfter refusals in a row pause a credential, for pauseFirst, doubling with each further pause up to pauseMost; after a pause one attempt
	// finds out. Four, then one at 1, 3, 7, 15 and 31 minutes.
	pauseAfter = 4
	pauseFirst = time.Minute
	pauseMost  = 30 * time.Minute
)

// asking is one task that wants credentials.
type asking struct {
	task, device uuid.UUID
	fence        int64
	tagKeys      []string
	deadline     time.Time
	// lastGood is the credential that the device let in last, or Nil.
	lastGood uuid.UUID
	// beside is an earlier task of the batch that is the same attempt at another device, or Nil. One of the two can be refused, not both.
	beside uuid.UUID
}

// answer is what one task gets: credentials, or nothing applies, or wait.
type answer struct {
	credentials  []uuid.UUID
	noCredential bool
	retryAfter   time.Time
	waitingFor   string
}

// admission decides, in one pass over a batch, which task gets which credentials. It owns copies of the rows and changes their budgets; the
// caller stores them. Not for concurrent use.
type admission struct {
	now        time.Time
	candidates []*held
	// taken are the candidates whose budget changed.
	taken map[uuid.UUID]*held
	// waiting counts the tasks that each credential holds back in this batch: they are told to come back one after the other, because a task
	// that comes back too early costs a claim.
	waiting map[uuid.UUID]int
	// given are the credentials of the tasks that were admitted, for those beside them.
	given map[uuid.UUID][]uuid.UUID
	// beside are those of the attempt that is being decided.
	beside []uuid.UUID
}

// newAdmission refills the buckets of the rows for the time that has passed.
func newAdmission(now time.Time, rows []held) *admission {
	a := &admission{now: now, taken: map[uuid.UUID]*held{}, waiting: map[uuid.UUID]int{}, given: map[uuid.UUID][]uuid.UUID{}}
	for i := range rows {
		u := &rows[i].CredentialUse
		rate := float64(rows[i].Credential.LoginsPerSecond)
		passed := max(0, now.Sub(u.RefilledAt).Seconds())
		u.Tokens = min(max(1, rate), u.Tokens+rate*passed)
		a.candidates = append(a.candidates, &rows[i])
	}
	return a
}

// admit answers one task, and takes what it gets from the budgets.
func (a *admission) admit(t asking) answer {
	a.beside = nil
	if t.beside != uuid.Nil {
		a.beside = a.given[t.beside]
	}
	list, waitFor := a.choose(t)
	if waitFor != nil {
		return a.wait(waitFor)
	}
	if len(list) == 0 {
		return answer{noCredential: true}
	}
	first := &list[0].CredentialUse
	if first.Tokens < 1 && !slices.Contains(a.beside, list[0].Credential.ID) {
		missing := (float64(a.place(list[0])) - first.Tokens) / float64(list[0].Credential.LoginsPerSecond)
		return answer{retryAfter: a.now.Add(time.Duration(missing * float64(time.Second))), waitingFor: list[0].Credential.Name}
	}
	first.Tokens = max(0, first.Tokens-1)
	out := answer{}
	for _, c := range list {
		c.CredentialUse.InFlight++
		a.taken[c.Credential.ID] = c
		out.credentials = append(out.credentials, c.Credential.ID)
	}
	a.given[t.task] = out.credentials
	return out
}

// choose answers the credentials to try in order, or the one to wait for.
func (a *admission) choose(t asking) (list []*held, waitFor *held) {
	central, fallback := a.applicable(t)
	if len(central) == 0 { // where nothing central applies, a local one is no fallback
		central, fallback = fallback, nil
	}
	usable, paused := a.split(central)
	if len(usable) == 0 && len(paused) > 0 {
		// The central credentials fail together: now is the time of the local ones.
		local, _ := a.split(fallback)
		if len(local) == 0 {
			return nil, slices.MinFunc(paused, func(x, y *held) int { return x.CredentialUse.PausedUntil.Compare(*y.CredentialUse.PausedUntil) })
		}
		usable, paused = local, nil
	}
	for _, p := range paused {
		// It worked before, for this device or for others: the device's task waits rather than trying its way down the list.
		if p.Credential.ID == t.lastGood || (t.lastGood == uuid.Nil && p.CredentialUse.Worked) {
			return nil, p
		}
	}
	known := len(usable) > 0 && usable[0].Credential.ID == t.lastGood
	for i, c := range usable[:min(len(usable), maxListed)] {
		switch {
		case a.hasRoom(c):
			list = append(list, c)
		case i == 0 || !known: // any may have to be tried: all count
			return nil, c
		}
	}
	return list, nil
}

// applicable answers the credentials that share a tag with the device or name it, in the order to try.
func (a *admission) applicable(t asking) (central, fallback []*held) {
	for _, c := range a.candidates {
		shares := slices.ContainsFunc(c.Credential.TagKeys, func(k string) bool { return slices.Contains(t.tagKeys, k) })
		switch {
		case !shares && !slices.Contains(c.Credential.DeviceIds, t.device):
		case c.Credential.LocalFallback:
			fallback = append(fallback, c)
		default:
			central = append(central, c)
		}
	}
	slices.SortFunc(central, tryOrder(t.lastGood))
	slices.SortFunc(fallback, tryOrder(t.lastGood))
	return central, fallback
}

// tryOrder is the order in which a device's credentials are tried: central before local, last good first, then by priority.
func tryOrder(lastGood uuid.UUID) func(x, y *held) int {
	rank := func(h *held) int {
		switch {
		case h.Credential.LocalFallback:
			return 2
		case h.Credential.ID == lastGood:
			return 0
		}
		return 1
	}
	return func(x, y *held) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(x.Credential.Priority, y.Credential.Priority),
			strings.Compare(strings.ToLower(x.Credential.Name), strings.ToLower(y.Credential.Name)))
	}
}

// split parts the credentials that are paused after refusals from the others.
func (a *admission) split(all []*held) (usable, paused []*held) {
	for _, c := range all {
		if p := c.CredentialUse.PausedUntil; p != nil && p.After(a.now) {
			paused = append(paused, c)
		} else {
			usable = append(usable, c)
		}
	}
	return usable, paused
}

// hasRoom tells whether one more attempt may hold the credential. One that holds it already, at its other device, is no other.
func (a *admission) hasRoom(c *held) bool {
	held := c.CredentialUse.InFlight
	if slices.Contains(a.beside, c.Credential.ID) {
		held--
	}
	return held < inFlightCap(c)
}

// inFlightCap is how many attempts may hold a credential at once.
func inFlightCap(c *held) int32 {
	set := c.Credential.MaxInFlight
	if c.CredentialUse.Probation {
		most := int32(probationInFlight)
		if set > 0 {
			most = min(most, set)
		}
		return max(1, most-c.CredentialUse.Streak)
	}
	if set > 0 {
		return set
	}
	return goodInFlight
}

// place is the task's place in the queue for a credential: 1 is the first.
func (a *admission) place(c *held) int {
	a.waiting[c.Credential.ID]++
	return a.waiting[c.Credential.ID]
}

func (a *admission) wait(c *held) answer {
	// As many come free at once, at best; but one success may end a probation and free them all.
	rounds := min(maxRounds, 1+(a.place(c)-1)/int(inFlightCap(c)))
	at := a.now.Add(time.Duration(rounds) * retryInFlight)
	if p := c.CredentialUse.PausedUntil; p != nil && p.After(at) {
		at = *p
	}
	return answer{retryAfter: at, waitingFor: c.Credential.Name}
}

// budgets are the rows to store.
func (a *admission) budgets() vaultsql.SaveBudgetsParams {
	p := vaultsql.SaveBudgetsParams{Now: a.now}
	for id, c := range a.taken {
		p.Ids = append(p.Ids, id)
		p.Tokens = append(p.Tokens, c.CredentialUse.Tokens)
		p.InFlights = append(p.InFlights, c.CredentialUse.InFlight)
	}
	return p
}
