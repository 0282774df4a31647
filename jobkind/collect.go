package jobkind

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// maxItems bounds a list that a device gives for Each.
const maxItems = 500

const (
	// maxHeld bounds what one attempt collects, in bytes.
	maxHeld = 64 << 20
	// maxArtifact bounds one file, made of many answers or of one: gitstore takes no larger original.
	maxArtifact = 32 << 20
)

// collector is one backup on its way.
type collector struct {
	env       Env
	session   *device.Session
	originals map[string][]byte
	held      int // bytes collected so far
}

// collect runs the page's artifacts in order. A failure means that nothing of them counts.
func (c *collector) collect() *jobv1.Failure {
	for _, a := range c.env.Page.Backup {
		text, f := c.artifact(a)
		if f != nil {
			return f
		}
		if text != nil {
			c.originals[a.Name] = text
			c.log("info", "read "+a.Name+", "+strconv.Itoa(len(text))+" bytes")
		}
	}
	return nil
}

// artifact collects one file; nil without a failure means that it is optional and not to be had.
func (c *collector) artifact(a *platforms.Artifact) ([]byte, *jobv1.Failure) {
	if a.Fetch != "" {
		return c.file(a)
	}
	if a.Each == nil {
		return c.part(a, "")
	}
	list, f := c.session.Run(device.Command{Send: a.Each.Send})
	if f != nil {
		return nil, f
	}
	items := slices.Compact(a.Each.Items(list.Text))
	if list.Refused != "" || len(items) == 0 || len(items) > maxItems {
		return c.missing(a, jobv1.Failure_REJECTED, "The device's answer to %q names %d items for %s.", a.Each.Send, len(items), a.Name)
	}
	var all []byte
	for _, item := range items {
		text, f := c.part(a, item)
		if f != nil || text == nil { // without one of them it would look as if that had been deleted
			return nil, f
		}
		if all = append(all, text...); len(all) > maxArtifact {
			return nil, c.session.Fail(jobv1.Failure_OUTPUT_LIMIT, "The parts of %s have more than %d MiB together.", a.Name, maxArtifact>>20)
		}
	}
	return all, nil
}

// file copies the artifact's file. The protocol says how long it is; what a page demands of the text holds too.
func (c *collector) file(a *platforms.Artifact) ([]byte, *jobv1.Failure) {
	text, f := c.session.Fetch(a.Fetch, a.Timeout)
	if f != nil {
		return nil, f
	}
	if text == nil {
		return c.missing(a, jobv1.Failure_REJECTED, "The device does not hand out the file %s.", a.Fetch)
	}
	copied := 0
	if why := a.Verify(text, platforms.Ending{Exit: &copied}); why != nil {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "The file %s is not whole: %s. Its last line is %q.", a.Fetch, why.Reason, c.env.Page.LastLine(a, text))
	}
	if len(a.Clean(text)) == 0 {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "The file %s holds nothing.", a.Fetch)
	}
	return text, c.take(len(text))
}

// missing is the end of an artifact that is not to be had: a note if it is optional, else a failure. What is made of the device's contexts is
// configuration: the device has it, so half of it is not the same as none.
func (c *collector) missing(a *platforms.Artifact, class jobv1.Failure_Class, hint string, args ...any) ([]byte, *jobv1.Failure) {
	f := c.session.Fail(class, hint, args...)
	if !a.Optional || a.Each != nil && class == jobv1.Failure_INCOMPLETE {
		return nil, f
	}
	c.log("info", "left out "+a.Name+": "+f.GetHint())
	return nil, nil
}

// part runs an artifact's commands once, for one item if there are items.
func (c *collector) part(a *platforms.Artifact, item string) ([]byte, *jobv1.Failure) {
	entered := make([]bool, len(a.Before))
	for i, step := range a.Before {
		got, f := c.session.Run(device.Command{Send: fill(step.Send, item), Answers: step.Answers})
		if f != nil {
			return nil, f
		}
		if entered[i] = got.Refused == ""; !entered[i] {
			c.log("info", "the device refused "+step.Send)
		}
	}
	var text []byte
	var f *jobv1.Failure
	if lost := outside(a, entered, item); lost != "" {
		text, f = c.missing(a, jobv1.Failure_REJECTED, "The device refuses %q, one of the places that %s is made of.", lost, a.Name)
	} else {
		text, f = c.answer(a, item)
	}
	if f != nil {
		return nil, f
	}
	for i, step := range a.After {
		// The first step out leads out of what the last step in led into.
		if in := len(a.Before) - 1 - i; in >= 0 && !entered[in] {
			continue
		}
		if _, f := c.session.Run(device.Command{Send: fill(step.Send, item), Answers: step.Answers}); f != nil {
			return nil, f
		}
	}
	return text, nil
}

// outside returns the refused step that should have led to the item, or "": what a command says elsewhere is another
// item's answer.
func outside(a *platforms.Artifact, entered []bool, item string) string {
	for i, step := range a.Before {
		if !entered[i] && item != "" && strings.Contains(step.Send, "{item}") {
			return fill(step.Send, item)
		}
	}
	return ""
}

// answer tries the artifact's commands until one is not refused, and checks that its answer is whole.
func (c *collector) answer(a *platforms.Artifact, item string) ([]byte, *jobv1.Failure) {
	words := ""
	for i, send := range a.Send {
		got, f := c.session.Run(device.Command{Send: fill(send, item), Timeout: a.Timeout})
		if f != nil {
			return nil, f
		}
		if got.Refused != "" {
			words = got.Refused
			c.log("debug", "the device refused "+send)
			continue
		}
		return c.whole(a, a.Rule(i), fill(send, item), got)
	}
	return c.missing(a, jobv1.Failure_REJECTED, "The device refuses %s (%q). Is %s the right platform, and may this user read the configuration?",
		strings.Join(a.Send, " and "), strings.TrimSpace(c.env.Page.MaskLines(words)), c.env.Page.Name)
}

// sure reports that the text itself tells that it is whole. Blocks that are closed tell only that it does not end within one, and where the page asks for
// the prompt too, that what ends a block ends the whole.
func sure(rule *platforms.Complete, got device.Answer) bool {
	blocks := rule.LastLine == nil && rule.Closes == ""
	return rule.InText() && !rule.PromptTwice && !(blocks && got.Exit != nil)
}

// take counts what the attempt holds: a device may have many artifacts, and each may be as long as one answer can be.
func (c *collector) take(n int) *jobv1.Failure {
	if c.held += n; c.held > maxHeld {
		return c.session.Fail(jobv1.Failure_OUTPUT_LIMIT, "The device's artifacts have more than %d MiB together.", maxHeld>>20)
	}
	return c.session.Hold(c.held)
}

// whole checks completeness. Where nothing in the text tells its end, it is read a second time before it counts
// as something new: by a repeated prompt on first contact, and by an exec channel's end whenever it differs
// from what is known, then in a shell, whose prompt does not come back from a device that stopped talking.
func (c *collector) whole(a *platforms.Artifact, rule *platforms.Complete, send string, got device.Answer) ([]byte, *jobv1.Failure) {
	c.session.Stage("complete")
	end := platforms.Ending{Exit: got.Exit}
	if rule.PromptTwice && got.Exit == nil {
		again, f := c.session.Confirm()
		if f != nil {
			return nil, f
		}
		end.PromptTwice = again
	}
	if why := a.VerifyBy(rule, got.Text, end); why != nil {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "The answer to %q is not whole: %s. Its last line is %q.", send, why.Reason, c.env.Page.LastLine(a, got.Text))
	}
	if len(a.Clean(got.Text)) == 0 {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "The answer to %q holds nothing. May this user read the configuration?", send)
	}
	if f := c.take(len(got.Text)); f != nil {
		return nil, f
	}
	if sure(rule, got) || rule.Balanced == "" && rule.ExitStatus == nil && !rule.PromptTwice || got.Exit == nil && !c.first(a) || got.Exit != nil && c.unchanged(a, got.Text) {
		return got.Text, nil
	}
	again := device.Command{Send: send, Timeout: a.Timeout}
	second, f := c.session.RunInShell(again)
	if f != nil {
		return nil, f
	}
	if !bytes.Equal(a.Clean(got.Text), a.Clean(second.Text)) {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "Two answers to %q differ, and nothing in them tells which is whole.", send)
	}
	return got.Text, nil
}

// unchanged reports that the text is one that is known already.
func (c *collector) unchanged(a *platforms.Artifact, text []byte) bool {
	label, digest := platforms.ChangeDigest(c.session.Grant().GetDigestKey(), c.env.Page, a, a.Clean(text))
	return c.known(a.Name, label, digest)
}

// first reports that nothing is known of the artifact yet.
func (c *collector) first(a *platforms.Artifact) bool {
	for _, k := range c.env.Known {
		if k.GetArtifact() == a.Name {
			return false
		}
	}
	return true
}

// artifacts computes the change digests and what need not travel.
func (c *collector) artifacts(key []byte, again bool) []Artifact {
	var out []Artifact
	for i, a := range c.env.Page.Backup {
		original, ok := c.originals[a.Name]
		if !ok {
			continue
		}
		label, digest := platforms.ChangeDigest(key, c.env.Page, a, a.Clean(original))
		out = append(out, Artifact{
			Name: a.Name, Label: label, Digest: digest, Main: i == 0, Original: original,
			Unchanged: !again && c.known(a.Name, label, digest),
		})
	}
	return out
}

func (c *collector) known(name, label, digest string) bool {
	for _, k := range c.env.Known {
		if k.GetArtifact() == name && k.GetLabel() == label && k.GetDigest() == digest {
			return true
		}
	}
	return false
}

func (c *collector) log(level, message string) {
	if c.env.Log != nil {
		c.env.Log(level, message)
	}
}

// fill puts an item into a command.
func fill(send, item string) string { return strings.ReplaceAll(send, "{item}", item) }
