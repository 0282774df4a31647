package hub

import (
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// What is recorded of what an attempt found out.
const (
	maxCommands    = 50
	maxCommandLine = 1000
	maxOutput      = 256 << 10
	maxOutputs     = 1 << 20
	maxStages      = 10
	maxTranscript  = 256 << 10
)

// cleanFound cuts what an agent says it found out to what the house records.
func cleanFound(r *jobv1.TaskResult) {
	if r == nil {
		return
	}
	r.Commands = r.GetCommands()[:min(len(r.GetCommands()), maxCommands)]
	left := maxOutputs
	for _, c := range r.GetCommands() {
		c.Command, c.Refused = clean(c.GetCommand(), maxCommandLine), clean(c.GetRefused(), maxCommandLine)
		all := len(c.GetOutput())
		c.Output = clean(c.GetOutput(), min(left, maxOutput))
		c.Truncated = c.GetTruncated() || len(c.GetOutput()) < all
		left -= len(c.GetOutput())
	}
	if b := r.GetReachability(); b != nil {
		b.Banner = clean(b.GetBanner(), maxText)
	}
	l := r.GetLogin()
	if l == nil {
		return
	}
	l.Stages = l.GetStages()[:min(len(l.GetStages()), maxStages)]
	for _, s := range l.GetStages() {
		s.Name, s.Detail = clean(s.GetName(), maxWord), clean(s.GetDetail(), maxText)
	}
	for _, text := range []*string{&l.HostKeyFingerprint, &l.HostKeyAlgorithm, &l.Credential, &l.Prompt, &l.Algorithms} {
		*text = clean(*text, maxWord)
	}
}
