package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	claimWait     = 25 * time.Second
	offerPatience = 10 * time.Second // as long as job keeps an offer
	claimBackoff  = 5 * time.Second
	emptyPause    = 100 * time.Millisecond
	// gatherTime is how long a claim of a busy agent waits for more free sessions than these few.
	gatherTime  = 15 * time.Millisecond
	gatherShare = 3
)

// sentPages are the pages that a stream has sent, by digest.
type sentPages struct {
	mu   sync.Mutex
	sent map[string]bool
}

// first notes a page and tells whether it was new.
func (p *sentPages) first(digest string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent[digest] {
		return false
	}
	if p.sent == nil {
		p.sent = map[string]bool{}
	}
	p.sent[digest] = true
	return true
}

// forget makes the page travel again with the next offer.
func (p *sentPages) forget(digest string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sent, digest)
}

// claim takes work from job for the agent, as much as it has sessions free, until the session ends.
func (c *session) claim() {
	backoff := claimBackoff / 50
	for c.ctx.Err() == nil {
		c.gather()
		asked := time.Now()
		resp, err := c.claimOnce()
		if err == nil {
			backoff = claimBackoff / 50
			c.cancelled(resp.GetCancelled())
			c.offer(resp.GetClaims())
			c.pace(resp, time.Since(asked))
			continue
		}
		if c.ctx.Err() == nil {
			c.log.Warn("no work can be claimed", "err", err)
		}
		select {
		case <-time.After(backoff/2 + rand.N(backoff)):
		case <-c.ctx.Done():
		}
		backoff = min(2*backoff, claimBackoff)
	}
}

// gather lets sessions of a busy agent become free together: a claim costs job and its neighbours the same for one task as for many.
func (c *session) gather() {
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	for c.leases.few() {
		select {
		case <-c.leases.changed:
		case <-timer.C:
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// pace keeps a neighbour that answers "nothing" without waiting from being asked in a circle.
func (c *session) pace(resp *jobv1.ClaimTasksResponse, took time.Duration) {
	if resp == nil || len(resp.GetClaims()) > 0 || took >= emptyPause {
		return
	}
	select {
	case <-time.After(emptyPause):
	case <-c.ctx.Done():
	}
}

// claimOnce is one long poll; a nil answer: given up. A poll that asks for nothing is given up as soon as a session becomes free; one that asks for work is not:
// what it had just claimed would be lost for ten seconds.
func (c *session) claimOnce() (*jobv1.ClaimTasksResponse, error) {
	free, held := c.leases.free()
	ctx, cancel := context.WithTimeout(c.ctx, claimWait+neighbourPatience)
	defer cancel()
	given := make(chan struct{})
	if free == 0 {
		poll := make(chan struct{})
		defer func() { <-poll }()
		defer close(given)
		go func() {
			defer close(poll)
			c.giveUp(cancel, given)
		}()
	}
	resp, err := c.hub.deps.Dispatch.ClaimTasks(ctx, &jobv1.ClaimTasksRequest{
		AgentId: c.agent.AgentID, GatewayId: c.agent.GatewayID, Max: int32(free), WaitMs: int32(claimWait / time.Millisecond), Held: held,
	})
	if err != nil && free == 0 && ctx.Err() != nil && c.ctx.Err() == nil {
		return nil, nil
	}
	return resp, err
}

// giveUp cancels a poll once a session is free.
func (c *session) giveUp(cancel context.CancelFunc, given <-chan struct{}) {
	for {
		select {
		case <-c.leases.changed:
			if free, _ := c.leases.free(); free > 0 {
				cancel()
				return
			}
		case <-given:
			return
		}
	}
}

func (c *session) cancelled(refs []*jobv1.AttemptRef) {
	for _, ref := range refs {
		c.leases.cancel(attemptOf(ref))
		c.cancelAttempt(ref, "CANCELLED")
	}
}

func (c *session) cancelAttempt(ref *jobv1.AttemptRef, reason string) {
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Cancel{Cancel: &hubv1.Cancel{Attempt: ref, Reason: reason}}})
}

// offer sends claimed work to the agent.
func (c *session) offer(claims []*jobv1.ClaimTasksResponse_Claim) {
	if len(claims) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, neighbourPatience)
	defer cancel()
	pages, err := c.hub.pages.get(ctx, pageDigests(claims))
	if err != nil {
		c.log.Warn("platform pages are not to be had", "err", err)
	}
	known := c.known(ctx, claims)
	for _, claim := range claims {
		c.offerOne(claim, pages, known)
	}
	time.AfterFunc(offerPatience, func() { c.expire(claims) })
}

func (c *session) offerOne(claim *jobv1.ClaimTasksResponse_Claim, pages map[string][]byte, known map[string][]*gitstorev1.KnownDigest) {
	spec := claim.GetView()
	a := attempt{task: spec.GetTaskId(), fence: spec.GetFence()}
	digest := spec.GetPageDigest()
	page, ok := pages[digest]
	if digest != "" && (!ok || !isPage(page, digest)) {
		c.decline(a, "PAGE_UNAVAILABLE")
		return
	}
	offer := &hubv1.Offer{Spec: claim.GetSpec(), Known: known[spec.GetDeviceId()]}
	if digest != "" && c.paged.first(digest) {
		offer.Page = page
	}
	if proto.Size(offer) > maxMessage {
		c.paged.forget(digest)
		c.decline(a, "OFFER_TOO_LARGE")
		return
	}
	c.leases.offer(a, spec)
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Offer{Offer: offer}})
}

// decline gives an attempt back to job that the agent never saw.
func (c *session) decline(a attempt, reason string) {
	c.events.add(&jobv1.ReportAttemptsRequest_Event{Attempt: a.ref(), Kind: jobv1.ReportAttemptsRequest_Event_DECLINED, Reason: reason})
}

// expire takes back what the agent has not accepted; job does the same by itself.
func (c *session) expire(claims []*jobv1.ClaimTasksResponse_Claim) {
	for _, claim := range claims {
		a := attempt{task: claim.GetView().GetTaskId(), fence: claim.GetView().GetFence()}
		if c.ctx.Err() == nil && c.leases.unanswered(a) {
			c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_OfferRevoked{OfferRevoked: &hubv1.OfferRevoked{Attempt: a.ref()}}})
		}
	}
}

// known answers the change digests of the claimed devices. Without them everything is sent in full, which costs bytes and nothing else.
func (c *session) known(ctx context.Context, claims []*jobv1.ClaimTasksResponse_Claim) map[string][]*gitstorev1.KnownDigest {
	req := &gitstorev1.GetKnownDigestsRequest{}
	for _, claim := range claims {
		if len(claim.GetView().GetCredentialIds()) > 0 { // without a login nothing is collected
			req.DeviceIds = append(req.DeviceIds, claim.GetView().GetDeviceId())
		}
	}
	if len(req.DeviceIds) == 0 {
		return nil
	}
	resp, err := c.hub.deps.Store.GetKnownDigests(ctx, req)
	if err != nil {
		c.log.Warn("known digests are not to be had", "err", err)
		return nil
	}
	known := make(map[string][]*gitstorev1.KnownDigest, len(resp.GetItems()))
	for _, item := range resp.GetItems() {
		known[item.GetDeviceId()] = item.GetDigests()
	}
	return known
}

func pageDigests(claims []*jobv1.ClaimTasksResponse_Claim) []string {
	seen := map[string]bool{}
	var all []string
	for _, claim := range claims {
		if d := claim.GetView().GetPageDigest(); d != "" && !seen[d] {
			seen[d] = true
			all = append(all, d)
		}
	}
	return all
}

func isPage(page []byte, digest string) bool {
	sum := sha256.Sum256(page)
	return hex.EncodeToString(sum[:]) == digest
}
