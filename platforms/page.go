package platforms

import "time"

// Page is everything NetRaven knows of one platform: how to log in, what to run, when an answer is
// whole, what in it is noise and what is secret. It is compiled by Parse, never changes afterwards,
// and is safe for concurrent use.
type Page struct {
	// Name identifies the page, such as "cisco_ios": lower case letters, digits and underscores.
	Name string
	// Label is the name for people, such as "Cisco IOS and IOS XE".
	Label string
	// Vendor is the maker's name for people; it may be empty.
	Vendor string
	// Aliases are other tools' names of the platform: Oxidized models, netmiko device types.
	Aliases []string
	// Transport says how commands travel.
	Transport Transport
	// Login is the way from an authenticated SSH connection to a usable prompt, and out again.
	Login Login
	// Pager lists what may interrupt any output, and the key that goes on. Its Expect patterns are
	// meant for Pattern.AtEnd on a bounded tail window.
	Pager []Exchange
	// Reject lists what a device says when it refuses a command. A refusal is never stored. Look for it
	// in short answers only: a banner in a configuration may quote anything.
	Reject []*Pattern
	// ClearLine is sent, as it is, after a refused command: some devices leave that command standing
	// on the input line. Empty: nothing is needed.
	ClearLine string
	// Backup lists the artifacts to collect, in order. The first one is the main artifact.
	Backup []*Artifact
	// SSH holds what the connection itself needs.
	SSH SSH

	facts   []fact
	secrets *masker
	source  []byte
	digest  string
}

// Transport says how commands travel to a device.
type Transport string

const (
	// Shell is one interactive shell on a pseudo-terminal: prompts, echo, pagers.
	Shell Transport = "shell"
	// Exec is one SSH exec channel per command: no prompt, no echo, an end of file. A device that
	// refuses exec is spoken to in a shell, so an exec page carries a prompt too.
	Exec Transport = "exec"
)

// Login is the way from an authenticated SSH connection to a usable prompt.
type Login struct {
	// Prompt is where the device waits for a command. Match it with AtEnd, after line ends and
	// control sequences are cleaned.
	Prompt *Pattern
	// Username and Password are questions a device asks again inside the session, after SSH itself
	// has authenticated (AireOS, terminal servers). Nil: it never does.
	Username, Password *Pattern
	// Failed lists what the device says when it refuses the answers to those questions.
	Failed []*Pattern
	// Answers are given before the first prompt: "Press any key", "Press 'a' to accept".
	Answers []Exchange
	// Enable is the step to a privileged prompt. Nil: there is none.
	Enable *Enable
	// Setup runs once at the first privileged prompt. A refused step is noted, never fatal.
	Setup []Step
	// Logout runs at the end. The device may close at any moment of it.
	Logout []Step
	// Newline ends every line sent: "\n" (default), "\r" or "\r\n".
	Newline string
}

// Enable is the step from a user prompt to a privileged one.
type Enable struct {
	// When matches (AtEnd) the prompts at which the step is needed; at any other nothing is sent.
	When *Pattern
	// Send is the command, without a line end.
	Send string
	// Expect is the password question. Nil: the command never asks.
	Expect *Pattern
	// Failed lists what the device says when it refuses, besides asking again.
	Failed []*Pattern
	// LoginPassword says that the login password answers the question where the credential says nothing
	// of enable: sudo and its like ask for the user's own.
	LoginPassword bool
}

// Step is one command with the questions it may ask before the next prompt.
type Step struct {
	// Send is the command, without a line end.
	Send string
	// Answers are the questions to expect and what to reply; each may come any number of times.
	Answers []Exchange
}

// Exchange is a question and its reply.
type Exchange struct {
	// Expect matches the question (AtEnd).
	Expect *Pattern
	// Send is sent exactly as it is: a key needs no line end, a line has its own "\n" in the page
	// (the engine writes it as Login.Newline).
	Send string
}

// Artifact is one file collected from a device.
type Artifact struct {
	// Name is the file name, such as "running.cfg".
	Name string
	// Send lists commands, tried in order while the device refuses them; the first accepted answer
	// is the artifact. With Each set, "{item}" stands for the item, here and in Before and After.
	Send []string
	// Fetch is a path to copy from the device (SCP) instead of running a command. Empty: Send.
	Fetch string
	// Before and After surround Send: a mode or a context to enter and leave. A refused Before step
	// is noted and its After counterpart (same index from the end) is not sent.
	Before, After []Step
	// Each repeats Before, Send and After for every item of a list asked from the device (contexts,
	// partitions). The answers are joined in the order of the list. Nil: once.
	Each *Each
	// Complete says how the end of a whole answer is known; Rule has what holds for one of the commands.
	Complete Complete
	// Optional artifacts may be refused or incomplete without failing the attempt.
	Optional bool
	// Timeout bounds the whole command. Zero: the caller's default.
	Timeout time.Duration

	rules  []*Complete // by command; nil: Complete
	clean  cleaner
	author fact
}

// Complete says how the end of a whole answer is known. Content rules (LastLine, Balanced, Closes)
// must all hold. ExitStatus and PromptTwice speak of the session instead; one of them suffices. PromptTwice beside a
// content rule is for texts whose blocks end like the whole.
type Complete struct {
	// LastLine matches the last non-blank line; log lines that came unasked are ignored.
	LastLine *Pattern
	// Balanced is a pair such as "{}" that must open and close equally often, outside of strings and
	// comments, with nothing begun behind the last one.
	Balanced string
	// Closes is a tag such as "config": the text must end in </config>.
	Closes string
	// ExitStatus is the status the exec channel must end with. Nil: any.
	ExitStatus *int
	// PromptTwice is the weakest rule: the prompt, an empty line sent, the same prompt again, and on
	// first contact two equal reads. Interfaces show it as such.
	PromptTwice bool
	// Gap must not be found, whatever else holds. Nil: the device says nothing of the kind.
	Gap *Gap
}

// SSH holds what the connection itself needs.
type SSH struct {
	// Legacy allows old algorithms (group1, group14-sha1, ssh-rsa, CBC) for this platform.
	Legacy bool
}

// Main returns the main artifact: the one whose completeness decides the attempt.
func (p *Page) Main() *Artifact { return p.Backup[0] }

// Source returns the exact YAML bytes of the page, as they travel with an offer. Do not modify them.
func (p *Page) Source() []byte { return p.source }

// Digest returns the SHA-256 of Source in lower-case hexadecimal.
func (p *Page) Digest() string { return p.digest }

// Rule returns how the end of the answer to the command Send[i] is known.
func (a *Artifact) Rule(i int) *Complete {
	if i < len(a.rules) && a.rules[i] != nil {
		return a.rules[i]
	}
	return &a.Complete
}

// Weak reports that only PromptTwice tells the end of the artifact.
func (a *Artifact) Weak() bool {
	return a.Complete.PromptTwice && !a.Complete.InText() && a.Complete.ExitStatus == nil
}

// InText reports that the text itself tells its end.
func (c *Complete) InText() bool { return c.LastLine != nil || c.Balanced != "" || c.Closes != "" }
