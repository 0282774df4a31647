package lab

import (
	"fmt"
	"strconv"
	"strings"
)

// ciscoIOS is an access switch of Cisco with IOS.
type ciscoIOS struct{}

const (
	iosVersion = "15.2(7)E10"
	iosModel   = "WS-C2960X-48TS-L"
	iosTime    = "15:04:05 UTC Mon Jan 2 2006"
	iosInvalid = "% Invalid input detected at '^' marker.\r\n\r\n"
)

func (ciscoIOS) version() string            { return "SSH-2.0-Cisco-1.25" }
func (ciscoIOS) account(user string) string { return user }
func (ciscoIOS) plainExec() bool            { return false }
func (ciscoIOS) pager() pager {
	return pager{text: " --More-- ", wipe: strings.Repeat("\b", 9) + strings.Repeat(" ", 8) + strings.Repeat("\b", 9)}
}

func (ciscoIOS) greeting(s *session) string {
	if s.dev.index%2 == 1 {
		return "\r\n"
	}
	return "\r\n*****************************************\r\n*  Property of the simulated company    *\r\n" +
		"*  Sessions are #recorded#, go away >>  *\r\n*****************************************\r\n"
}

func (ciscoIOS) prompt(s *session) string {
	switch {
	case s.configuring:
		return s.dev.spec.Name + "(config)#"
	case s.enabled:
		return s.dev.spec.Name + "#"
	}
	return s.dev.spec.Name + ">"
}

func (ciscoIOS) readLine(s *session) (string, bool) { return s.line(true) }

func (k ciscoIOS) run(s *session, line string) uint32 {
	if s.configuring && iosConfigure(s, line) {
		return 0
	}
	if !s.configuring && runTree(s, iosTree, line, s.enabled) {
		return 0
	}
	if unfinished(iosTree, line, s.enabled) {
		s.write("% Incomplete command.\r\n\r\n")
		return 1
	}
	at := len(k.prompt(s))
	if i := strings.IndexByte(line, ' '); i >= 0 {
		at += i + 1
	}
	s.write(strings.Repeat(" ", at) + "^\r\n" + iosInvalid)
	return 1
}

var iosTree = []command{
	{words: "terminal length *", run: terminalLength},
	{words: "terminal width *", run: quiet},
	{words: "terminal no monitor", run: quiet},
	{words: "configure terminal", privileged: true, run: func(s *session, _ []string) {
		s.configuring = true
		s.write("Enter configuration commands, one per line.  End with CNTL/Z.\r\n")
	}},
	{words: "enable", run: func(s *session, _ []string) { enable(s, "% Bad secrets\r\n\r\n") }},
	{words: "disable", run: func(s *session, _ []string) { s.enabled = false }},
	{words: "exit", run: leave},
	{words: "logout", run: leave},
	{words: "quit", run: leave},
	{words: "show version", run: say(iosShowVersion)},
	{words: "show inventory", run: say(iosShowInventory)},
	{words: "show privilege", run: func(s *session, _ []string) { s.show(iosPrivilege(s)) }},
	{words: "show clock", run: func(s *session, _ []string) { s.show("*" + clock(iosTime) + "\r\n") }},
	{words: "show interfaces description", run: iosDescriptions},
	{words: "show running-config", privileged: true, run: showRunning},
	{words: "show running-config view full", privileged: true, run: showRunning},
	{words: "show startup-config", privileged: true, run: showRunning},
}

// iosConfigure takes a line of configuration mode, and says whether it was one: global settings of a few kinds are.
func iosConfigure(s *session, line string) bool {
	line, remove := strings.CutPrefix(strings.TrimSpace(line), "no ")
	switch word, _, more := strings.Cut(line, " "); {
	case line == "end" || line == "exit":
		s.configuring = false
		return true
	case more && (word == "snmp-server" || word == "ntp" || word == "logging"):
		return s.dev.Change(Change{Line: line, Remove: remove}) == nil
	}
	return false
}

func terminalLength(s *session, args []string) {
	n, err := strconv.Atoi(args[0])
	if err != nil || n < 0 || n > 512 {
		s.write("% Invalid input\r\n\r\n")
		return
	}
	s.paging = n > 0
	if n > 1 {
		s.rows = n
	}
}

func iosPrivilege(s *session) string {
	if s.enabled {
		return "Current privilege level is 15\r\n"
	}
	return "Current privilege level is 1\r\n"
}

func iosShowVersion(id *identity) string {
	return fmt.Sprintf(`Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version %s, RELEASE SOFTWARE (fc3)
Technical Support: http://www.cisco.com/techsupport
Copyright (c) 1986-2024 by Cisco Systems, Inc.

ROM: Bootstrap program is C2960X boot loader

%s uptime is %s
System returned to ROM by power-on
System image file is "flash:/c2960x-universalk9-mz.152-7.E10.bin"

cisco %s (APM86XXX) processor (revision K0) with 524288K bytes of memory.
Processor board ID %s
Last reset from power-on
1 Virtual Ethernet interface
1 FastEthernet interface
52 Gigabit Ethernet interfaces
The password-recovery mechanism is enabled.

512K bytes of flash-simulated non-volatile configuration memory.
Model number                    : %s
System serial number            : %s

Configuration register is 0xF

`, iosVersion, id.name, id.uptime(), iosModel, id.serial, iosModel, id.serial)
}

func iosShowInventory(id *identity) string {
	return fmt.Sprintf("NAME: \"1\", DESCR: %q\nPID: %-18s, VID: V05  , SN: %s\n\n\n", iosModel, iosModel, id.serial)
}

// iosDescriptions lists the interfaces of the configuration as it stands.
func iosDescriptions(s *session, _ []string) {
	var out strings.Builder
	out.WriteString("Interface                      Status         Protocol Description\r\n")
	name := ""
	for _, l := range strings.Split(s.dev.Config(), "\n") {
		switch {
		case strings.HasPrefix(l, "interface "):
			name = strings.TrimPrefix(l, "interface ")
		case name != "" && strings.HasPrefix(l, " description "):
			fmt.Fprintf(&out, "%-30s up             up       %s\r\n", name, strings.TrimPrefix(l, " description "))
			name = ""
		}
	}
	s.show(out.String())
}
