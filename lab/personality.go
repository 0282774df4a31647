package lab

import (
	"maps"
	"slices"
)

// personality is how the devices of one platform behave. Values have no
// state: what a session knows is in the session, what a device knows in the
// device.
type personality interface {
	// version is the SSH identification string.
	version() string
	// account is the login name without what the platform lets users append.
	account(user string) string
	// generate writes a configuration, LF line ends, without volatile lines.
	generate(id *identity) string
	// render adds the volatile lines; CR LF line ends.
	render(id *identity, c *configuration) configText
	// edit changes the lines of a configuration.
	edit(lines []string, c Change) ([]string, error)
	// describe is the change that puts text where people put descriptions.
	describe(text string) Change

	pager() pager
	// plainExec says that exec channels without a terminal end lines in LF.
	plainExec() bool
	greeting(s *session) string
	prompt(s *session) string
	// readLine reads and echoes a command; ok is false when the client has gone.
	readLine(s *session) (line string, ok bool)
	// run answers a command and returns an exec channel's exit status.
	run(s *session, line string) uint32
}

var personalities = map[string]personality{
	"cisco_ios":         ciscoIOS{},
	"arista_eos":        aristaEOS{},
	"juniper_junos":     juniperJunos{},
	"mikrotik_routeros": mikrotikRouterOS{},
	"linux":             linuxHost{},
}

// Platforms lists the personalities, sorted.
func Platforms() []string { return slices.Sorted(maps.Keys(personalities)) }
