package jobkind

import (
	"regexp"
	"slices"
	"strings"
)

// anyOf makes one pattern of many, for whole lines or filters. What ends in " *" takes whatever follows, or nothing; what ends in " +" takes no
// options of Unix programs: there is a program of that name which writes files by one.
func anyOf(flags string, list ...string) *regexp.Regexp {
	for i, p := range list {
		if word, open := strings.CutSuffix(p, " *"); open {
			list[i] = word + "(?: .*)?"
		}
		if word, open := strings.CutSuffix(p, " +"); open {
			list[i] = word + `(?: [^\-"'\\$ ]\S*)*`
		}
	}
	return regexp.MustCompile("^(?" + flags + ":" + strings.Join(list, "|") + ")$")
}

// showing begins what shows, and may hold expressions.
var showing = anyOf("is",
	`/?sho *`, `/?show *`, `disp? *`, `displ\w{0,3} *`, `more *`, `dir *`, `tmsh (?:-q )?(?:list|show) *`, `list *`, `net show *`, `nv show *`,
)

// shown is what may follow the shortest form of show, which is also the name of a shell that runs the file named next.
var shown = []string{
	"aaa", "access-lists", "alarms", "arp", "bgp", "boot", "bridge", "cdp", "class-map", "clock", "configuration", "controllers", "counters", "cpu", "crypto",
	"dot1x", "environment", "etherchannel", "ethernet", "fex", "flash", "hardware", "history", "hosts", "hsrp", "interfaces", "inventory", "ip", "ipv4", "ipv6",
	"isis", "l2vpn", "license", "line", "lldp", "logging", "mac-address-table", "memory", "module", "mpls", "neighbors", "ntp", "ospf", "pim", "platform",
	"policy-map", "port-channel", "power", "processes", "protocols", "redundancy", "route", "running-config", "sessions", "snmp", "software", "spanning-tree",
	"stack", "standby", "startup-config", "switch", "system", "tech-support", "transceivers", "users", "version", "vlan", "vpc", "vpn", "vrf", "vtp",
}

var shortShow = regexp.MustCompile(`^(?i:sh) ([A-Za-z0-9-]{2,})(?: |$)`)

// shows tells whether a line begins with a word that shows.
func shows(line string) bool {
	if m := shortShow.FindStringSubmatch(line); m != nil {
		return slices.ContainsFunc(shown, func(s string) bool { return strings.HasPrefix(s, strings.ToLower(m[1])) })
	}
	return showing.MatchString(line)
}

// readingWord begins commands that read whatever follows.
var readingWord = anyOf("is",
	`get *`, `info +`, `/?ping6? *`, `/?(?:tool[ /])?(?:ping|traceroute6?) *`, `tracer?t? *`, `trace(?:r(?:t|oute)|path)6? *`,
	`admin (?:show|display-config) *`, `file (?:show|list|dir) +`, `nv config (?:show|diff|history|find) *`, `lldpctl +`, `lldpcli show +`,
	`[a-z]+show *`, `(?:software|chassis|port|port xcvr|config|configuration|system|vlan|module|lldp|ntp) show *`,
	`exe(?:c|cute)? (?:ping6?|ping-options|traceroute6?|log display) *`,
	`diag(?:nose)? hardware (?:deviceinfo|sysinfo) *`, `diag(?:nose)? sys (?:session6? (?:list|stat|full-stat)|ha (?:status|checksum (?:show|cluster)|history read)) *`,
	`diag(?:nose)? (?:ip (?:address|arp|route|rtcache)|ipv6 (?:address|route|neighbor-cache)|vpn (?:tunnel|ike gateway)|netlink [a-z-]+|firewall [a-z0-9-]+) list *`,
	`diag(?:nose)? (?:autoupdate (?:versions|status)|debug (?:crashlog read|report)|sys (?:status|flash list|top-summary))`,
)

// readingLine is what reads only as it stands here: with other words the same command writes. Letters of options count as they are.
var readingLine = anyOf("s",
	`print`, `about`, `upsabout`, `version`, `status`, `uptime`, `history`, `whoami`, `users`, `showserial`, `mca-status`, `fw (?:ver|stat)`,
	`write? t(?:erminal)?`, `wr t(?:erm(?:inal)?)?`, `copy (?:running|startup)-configuration display`, `verify /md5 .*`,
	// What holds for the session only.
	`ter(?:m(?:inal)?)? (?:len(?:gth)?|wid(?:th)?|pager) \d+`, `screen-length (?:\d+ temporary|disable)`, `environment (?:no more|more false)`,
	`set cli screen-(?:length|width) \d+`,
	`request (?:support information|license info|system software info)`,
	// Linux, FreeBSD, and what runs on them.
	`cat *`, `ls *`, `head *`, `tail *`, `[ef]?grep *`, `wc *`, `pwd`, `less [a-z][a-z-]* \w[\w.\-]*`, `less /[\w./\-]+`, `df *`, `du *`, `free *`, `ps *`, `id *`, `who`, `w`,
	`uname *`, `lscpu`, `lsmod`, `lsblk *`, `lspci *`, `lsusb *`, `(?:md5|sha1|sha256)sum *`, `date(?: -u)?`, `hostname(?: -[fsiId])?`, `dmesg(?: -T)?`,
	`logread(?: -[el] \S+)*`, `last(?: -\w+)*`, `ip (?:-(?:4|6|o|d|s|br|brief|j|p|c|details|statistics|oneline) )*`+
		`(?:a|addr|address|l|link|r|ro|route|n|neigh|neighbor|rule|maddr|mroute|vrf|netns)(?: (?:s|sh|show|ls|list|get)(?: .*)?)?`,
	`bridge (?:-[a-z] )*(?:link|fdb|vlan|mdb)(?: show(?: .*)?)?`, `brctl show(?:macs \S+)?`, `ifconfig(?: -a)?(?: [\w.\-]+)?`, `route(?: -n)?`, `route print *`,
	`netstat(?: -[abeginoprstuvW]+)*`, `ss(?: -[abehilmnoprstuxOHTZ046]+)*`, `arp(?: -[aen]+)*`, `ethtool (?:-[iSmkgacl] )?[\w.\-]+`, `sysctl (?:-a|-n [\w./]+|[\w./]+)`,
	`iptables(?:-save|(?: -t \w+)? -(?:[nv]*[LS][nv]*)(?: \w[\w\-]*)?(?: -[nv]+)?)`, `nft list +`, `pfctl -(?:v+)?s ?\w+`, `systemctl (?:status|is-active|is-enabled|list-units|show|cat) *`,
	`journalctl(?: -(?:b|k|r|n ?\d+|u [\w@.\-]+|-no-pager|-since(?: |=)(?:"[^"]*"|\S+)))*`, `dmidecode(?: -[ts] [\w\-]+)?`, `uci (?:show|get|export) *`, `opkg list-installed`,
	`dpkg -l *`, `rpm -qa`, `config -g \S+`, `cphaprob(?: -[al])*(?: (?:stat|state|list|if))`, `cpstat [\w\-]+(?: -f [\w\-]+)?`, `docker (?:ps|images)(?: -a)?`,
)

// writingFilter writes a file behind a bar. A quoted bar is no bar for shells, and may be one for a device that knows no quotes.
var writingFilter = regexp.MustCompile(`(?i)\|\s*(?:redirect|tee|append|save|vsh|bash)\b`)

// writesAnyway is what begins like reading and writes a file on the device.
var writesAnyway = anyOf("is",
	`sho?w? tech\S* (?:.* )?(?:local-)?(?:file|save|export|upload|ftp|tftp|scp|sftp|binary)\b.*`, `disp?\w* diag\S* .+`,
)

// filter is what may follow a bar. Programs that can write a file or run another are not among them (find, sed, awk, sort -o).
var filter = anyOf("is",
	`i *`, `inc\w* *`, `e *`, `exc\w* *`, `b *`, `beg\w* *`, `s *`, `sec\w* *`, `c *`, `count *`, `match *`, `match-all *`, `no-match *`, `[ef]?grep *`, `until *`,
	`display +`, `json(?:-pretty)?(?: native)?`, `xml`, `yaml`, `csv`, `formal`, `no-?more`, `nomore`, `no-paging`, `more`, `less`, `cat`, `last *`, `trim *`, `resolve *`,
	`head *`, `tail *`, `wc *`, `cut *`, `sort(?: -[nrfuk\d,]+)*`, `uniq(?: -c)?`, `compare(?: rollback \d+)?`, `as (?:json|table|yaml)`, `tab`, `nz`, `notab`, `details`, `linnum`,
	`begin *`, `utility (?:[ef]?grep|head|tail|wc|cut) *`,
)
