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

// collector is one backup on its way.
type collector struct {
	env       Env
	session   *device.Session
	originals map[string][]byte
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
		text, f := c.session.Fetch(a.Fetch, a.Timeout)
		if f != nil || text != nil {
			return text, f
		}
		return c.missing(a, jobv1.Failure_REJECTED, "The device does not hand out the file %s.", a.Fetch)
	}
	if a.Each == nil {
		return c.part(a, "")
	}
	list, f := c.session.Run(device.Command{Send: a.Each.Send})
	if f != nil {
		return nil, f
	}
	items := slices.Compact(a.Each.Match.All(list.Text))
	if len(items) == 0 || len(items) > maxItems {
		return c.missing(a, jobv1.Failure_REJECTED, "The device's answer to %q names %d items for %s.", a.Each.Send, len(items), a.Name)
	}
	var all []byte
	for _, item := range items {
		text, f := c.part(a, item)
		if f != nil {
			return nil, f
		}
		all = append(all, text...)
	}
	return all, nil
}

// missing is the end of an artifact that is not to be had: a note if it is optional, else a failure.
func (c *collector) missing(a *platforms.Artifact, class jobv1.Failure_Class, hint string, args ...any) ([]byte, *jobv1.Failure) {
	f := c.session.Fail(class, hint, args...)
	if !a.Optional {
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
	text, f := c.answer(a, item)
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

// answer tries the artifact's commands until one is not refused, and checks that its answer is whole.
func (c *collector) answer(a *platforms.Artifact, item string) ([]byte, *jobv1.Failure) {
	words := ""
	for _, send := range a.Send {
		got, f := c.session.Run(device.Command{Send: fill(send, item), Timeout: a.Timeout})
		if f != nil {
			return nil, f
		}
		if got.Refused != "" {
			words = got.Refused
			c.log("debug", "the device refused "+send)
			continue
		}
		return c.whole(a, fill(send, item), got)
	}
	return c.missing(a, jobv1.Failure_REJECTED, "The device refuses %s (%q). Is %s the right platform, and may this user read the configuration?",
		strings.Join(a.Send, " and "), words, c.env.Page.Name)
}

// whole checks completeness. Where only a repeated prompt tells, the first contact reads twice.
func (c *collector) whole(a *platforms.Artifact, send string, got device.Answer) ([]byte, *jobv1.Failure) {
	c.session.Stage("complete")
	end := platforms.Ending{Exit: got.Exit}
	if a.Complete.PromptTwice && got.Exit == nil {
		again, f := c.session.Confirm()
		if f != nil {
			return nil, f
		}
		end.PromptTwice = again
		if again && c.first(a) && !c.strong(a) {
			second, f := c.session.Run(device.Command{Send: send, Timeout: a.Timeout})
			if f != nil {
				return nil, f
			}
			end.PromptTwice = bytes.Equal(a.Clean(got.Text), a.Clean(second.Text))
		}
	}
	if why := a.Verify(got.Text, end); why != nil {
		return c.missing(a, jobv1.Failure_INCOMPLETE, "The answer to %q is not whole: %s.", send, c.masked(why.Reason))
	}
	return got.Text, nil
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

// strong reports that the text itself tells its end.
func (c *collector) strong(a *platforms.Artifact) bool {
	return a.Complete.LastLine != nil || a.Complete.Balanced != "" || a.Complete.Closes != ""
}

// masked masks device text that goes into a sentence.
func (c *collector) masked(s string) string { return string(c.env.Page.Mask([]byte(s), nil)) }

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
