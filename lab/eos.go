package lab

import (
	"fmt"
	"strings"
)

// aristaEOS is a leaf switch of Arista with EOS.
type aristaEOS struct{}

const (
	eosVersion = "4.30.5M"
	eosModel   = "DCS-7050SX3-48YC8"
)

func (aristaEOS) version() string            { return "SSH-2.0-OpenSSH_8.7" }
func (aristaEOS) account(user string) string { return user }
func (aristaEOS) plainExec() bool            { return true }
func (aristaEOS) pager() pager {
	return pager{text: "\x1b[7m --More-- \x1b[27m\x1b[K", wipe: "\r\x1b[K"}
}

func (aristaEOS) greeting(*session) string {
	return "Last login: " + clock("Mon Jan _2 15:04:05 2006") + " from 127.0.0.1\r\n"
}

// prompt ends in # once the session is privileged.
func (aristaEOS) prompt(s *session) string {
	end := ">"
	if s.enabled {
		end = "#"
	}
	return s.dev.spec.Name + end
}

func (aristaEOS) readLine(s *session) (string, bool) { return s.line(true) }

func (aristaEOS) run(s *session, line string) uint32 {
	if runTree(s, eosTree, line, s.enabled) {
		return 0
	}
	cmd, _ := splitPipes(line)
	if _, _, ok := pickCommand(eosTree, cmd, true); ok && !s.enabled {
		s.write("% Invalid input (privileged mode required)\r\n")
		return 1
	}
	if unfinished(eosTree, line, s.enabled) {
		s.write("% Incomplete command\r\n")
		return 1
	}
	s.write("% Invalid input\r\n")
	return 1
}

var eosTree = []command{
	{words: "terminal length *", run: func(s *session, args []string) {
		terminalLength(s, args)
		if !s.paging {
			s.write("Pagination disabled.\r\n")
		}
	}},
	{words: "terminal width *", run: func(s *session, args []string) { s.write("Width set to " + args[0] + " columns.\r\n") }},
	{words: "enable", run: func(s *session, _ []string) { enable(s, "% Bad secrets\r\n") }},
	{words: "disable", run: func(s *session, _ []string) { s.enabled = false }},
	{words: "exit", run: leave},
	{words: "logout", run: leave},
	{words: "quit", run: leave},
	{words: "show version", run: say(eosShowVersion)},
	{words: "show inventory", run: say(eosShowInventory)},
	{words: "show clock", run: func(s *session, _ []string) { s.show(clock("Mon Jan _2 15:04:05 2006") + "\r\nTimezone: UTC\r\n") }},
	{words: "show running-config", privileged: true, run: showRunning},
	{words: "show startup-config", privileged: true, run: showRunning},
}

func eosShowVersion(id *identity) string {
	return fmt.Sprintf(`Arista %s
Hardware version: 11.03
Serial number: %s
Hardware MAC address: 0011.22%s.%s
System MAC address: 0011.2233.4455

Software image version: %s
Architecture: x86_64
Internal build version: %s-35687987.4305M
Image format version: 3.0
Image optimization: Strata-4GB

Uptime: %s
Total memory: 8098984 kB
Free memory: %d kB

`, eosModel, id.serial, strings.ToLower(id.hex(2)), strings.ToLower(id.hex(4)), eosVersion, eosVersion, id.uptime(), 5000000+id.IntN(99999))
}

func eosShowInventory(id *identity) string {
	return fmt.Sprintf(`System Information
  Model                     Description
  ------------------------- ------------------------------------
  %-25s 48x25GbE SFP+ & 8x100GbE QSFP Switch
  HW Version    Serial Number    Mfg Date
  ------------  ---------------  ----------
  11.03         %-16s 2023-05-14
`, eosModel, id.serial)
}

// render puts the lines around the configuration that change by themselves.
func (aristaEOS) render(id *identity, c *configuration) configText {
	return configText{
		head: fmt.Sprintf("! Command: show running-config\r\n! Time: %s\r\n! device: %s (%s, EOS-%s)\r\n!\r\n",
			clock("Mon Jan _2 15:04:05 2006"), id.name, eosModel, eosVersion),
		body: c.body(), foot: "!\r\nend\r\n",
	}
}

func (aristaEOS) describe(text string) Change {
	return Change{Section: "interface Ethernet1", Line: "description " + text}
}

func (aristaEOS) edit(lines []string, c Change) ([]string, error) {
	return editIndented(lines, c, "   ")
}

func (aristaEOS) generate(id *identity) string {
	p := &page{}
	p.add("transceiver qsfp default-mode 4x10G\n!\nservice routing protocols model multi-agent\n!")
	p.add("hostname %s\nip name-server vrf default 192.0.2.53\n!\nntp server 192.0.2.123\n!", id.name)
	p.add("snmp-server community %s ro\nsnmp-server host 192.0.2.60 version 2c %s\n!", id.word(), id.word())
	p.add("tacacs-server host 192.0.2.70 key 7 %s\n!", id.hex(22))
	p.add("no aaa root\n!\nusername %s privilege 15 role network-admin secret sha512 %s\n!", id.user, id.hash("$6$", 16, 86))
	p.add("spanning-tree mode mstp\n!\nvlan 10,20,30,110-120\n!")
	for n := 1; n <= 56 && p.Len() < id.size*6/10; n++ {
		p.add("interface Ethernet%d\n   description %s-%d\n   mtu 9214\n   no switchport\n   ip address 10.%d.%d.%d/31\n!",
			n, pick(id, "spine", "server", "storage", "border"), n, 100+id.index%100, n, 2*id.IntN(120))
	}
	p.add("interface Loopback0\n   ip address %s/32\n!\ninterface Management1\n   ip address 192.0.2.%d/24\n!", id.loopback(), 1+id.index%250)
	p.add("ip prefix-list CUSTOMERS")
	p.fill(id.size-420, func(i int) string {
		return fmt.Sprintf("   seq %d permit 10.%d.%d.0/24", 10*(i+1), id.IntN(250), i%250)
	})
	p.add("!\nip routing\n!\nrouter bgp 65%03d\n   router-id %s", id.index%1000, id.loopback())
	p.add("   neighbor 10.0.0.1 remote-as 65000\n   neighbor 10.0.0.1 password 7 %s\n   redistribute connected\n!", id.hash("", 22, 1)+"=")
	p.add("management api http-commands\n   no shutdown\n!\nmanagement ssh\n   idle-timeout 60")
	return p.String()
}
