package gitstore

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// states are the newest states of artifacts by device and name.
type states map[uuid.UUID]map[string]gitstoresql.Artifact

// write is a new revision that is to be made.
type write struct {
	attempt *attempt
	text    text
	// old is the newest state before, if there is one.
	old *gitstoresql.Artifact
	row gitstoresql.CreateRevisionsParams
	// path in git, and the content it had before. stays: the device lies there already.
	path   string
	stays  bool
	before []byte
	// repository is where it is committed.
	repository string
	// moved: the text is that of the newest revision, which stays it; the device's site has another repository than the file, or device or site another name.
	moved bool
	// remasks: the text is what another page makes of that revision, which stays the newest.
	remasks bool
	// acceptedBy is who let a suspect in.
	acceptedBy string
}

// repositories are those that a write comes to and leaves.
func (w *write) repositories() []string {
	if w.old == nil || w.old.Repository == w.repository {
		return []string{w.repository}
	}
	return []string{w.repository, w.old.Repository}
}

// seen is an artifact whose content stays: only that it was seen is news, and with fresh bytes also the original.
type seen struct {
	attempt *attempt
	in      *gitstorev1.StoredArtifact
	state   gitstoresql.Artifact
}

// plan is what a call comes to.
type plan struct {
	writes []*write
	seen   []seen
	// moved are files that move with their device, to another repository or under its new name, and make no revision.
	moved []*write
	// remasks are texts that a changed page alone made others; they make no revision either.
	remasks []*write
	// suspects are kept apart: nothing of their attempts is in writes, seen, moved or remasks.
	suspects []*suspect
	// done are the attempts that are stored when the plan is carried out.
	done []*attempt
	// observations are the attempts among done that came too late to decide.
	observations map[*attempt]bool
}

// commits is all that git gets.
func (p *plan) commits() []*write { return slices.Concat(p.writes, p.remasks, p.moved) }

// newPlan decides for each attempt, against the newest states. An attempt that cannot be stored without bytes is answered at once. Two attempts at one device in
// one call are decided one after the other: the states move on within the plan.
func newPlan(attempts []*attempt, now states) *plan {
	p := &plan{observations: map[*attempt]bool{}}
	pending := map[uuid.UUID]bool{} // devices with a write in this plan
	for _, a := range attempts {
		if pending[a.device] {
			continue // a second attempt at a device waits for the next round
		}
		if missing := needContent(a, now[a.device]); len(missing) > 0 {
			a.out = &outcome{Outcome: gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, Artifacts: missing}
			continue
		}
		p.done = append(p.done, a)
		if late(a, now[a.device]) {
			p.observations[a] = true
			continue
		}
		p.add(a, now[a.device])
		pending[a.device] = true
	}
	return p
}

// apart are the attempts that are kept apart, and why.
func (p *plan) apart() map[*attempt]*suspect {
	out := make(map[*attempt]*suspect, len(p.suspects))
	for _, x := range p.suspects {
		out[x.attempt] = x
	}
	return out
}

// needContent names the artifacts that are called unchanged and are not what is known.
func needContent(a *attempt, now map[string]gitstoresql.Artifact) []string {
	var missing []string
	for _, in := range a.in.GetArtifacts() {
		st, known := now[in.GetName()]
		same := known && st.Label != "" && st.Label == in.GetLabel() && st.Digest == in.GetDigest() // no label: indexed from git, the original is missing
		if in.GetUnchanged() && !same && !late(a, now) {
			missing = append(missing, in.GetName())
		}
	}
	return missing
}

// late tells whether a newer attempt has decided any of the artifacts.
func late(a *attempt, now map[string]gitstoresql.Artifact) bool {
	for _, in := range a.in.GetArtifacts() {
		if st, known := now[in.GetName()]; known && a.in.GetFence() < st.Fence {
			return true
		}
	}
	return false
}

// drop takes an attempt out of the plan.
func (p *plan) drop(a *attempt) {
	p.putNothing(func(of *attempt) bool { return of == a })
	p.done = slices.DeleteFunc(p.done, func(d *attempt) bool { return d == a })
}

// putNothing takes what some attempts brought out of what is to be stored.
func (p *plan) putNothing(of func(*attempt) bool) {
	ofWrite := func(w *write) bool { return of(w.attempt) }
	p.writes, p.remasks, p.moved = slices.DeleteFunc(p.writes, ofWrite), slices.DeleteFunc(p.remasks, ofWrite), slices.DeleteFunc(p.moved, ofWrite)
	p.seen = slices.DeleteFunc(p.seen, func(x seen) bool { return of(x.attempt) })
}

func (p *plan) add(a *attempt, now map[string]gitstoresql.Artifact) {
	for _, in := range a.in.GetArtifacts() {
		if in.GetUnchanged() {
			p.seen = append(p.seen, seen{attempt: a, in: in, state: now[in.GetName()]})
		}
	}
	written := map[string]bool{}
	for _, t := range a.texts {
		st, known := now[t.in.GetName()]
		if known && st.TextDigest == t.digest {
			st.Label, st.Digest = t.in.GetLabel(), t.in.GetDigest()
			p.seen = append(p.seen, seen{attempt: a, in: t.in, state: st})
			continue
		}
		w := &write{attempt: a, text: t, repository: a.repository()}
		w.path, w.stays = pathOf(a, t.in.GetName(), now)
		if known {
			w.old = &st
		}
		written[t.in.GetName()] = true
		if c := t.beside; known && c.remasks && c.blob == st.Blob {
			w.remasks, p.remasks = true, append(p.remasks, w)
			continue
		}
		p.writes = append(p.writes, w)
	}
	p.move(a, now, written)
}

// move takes along what a device has elsewhere than it lies now, whether the attempt brought it or not. Where sites are kept apart, nothing newer than the move may stay behind; and
// under its old name a file would lie among those of whoever gets that name. What another device covers, which had the name meanwhile, comes back.
func (p *plan) move(a *attempt, now map[string]gitstoresql.Artifact, written map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		st := now[name]
		if written[name] || st.Repository == a.repository() && isOwn(st, a.in) && !st.Covered {
			continue
		}
		t := text{in: &gitstorev1.StoredArtifact{Name: name}, digest: st.TextDigest}
		w := &write{attempt: a, text: t, old: &st, repository: a.repository(), moved: true}
		w.path, w.stays = pathOf(a, name, now)
		p.moved = append(p.moved, w)
	}
}
