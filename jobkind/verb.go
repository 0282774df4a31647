package jobkind

import (
	"regexp"
	"slices"
	"strings"
)

// verbs begin commands that plainly change a device or take it down, on any platform. least is how much of the word devices take for
// the whole of it. A word that only one platform knows does no harm on the others: it begins no command there.
var verbs = []struct {
	word  string
	least int
}{
	{"configure", 4}, {"configuration", 4}, {"system-view", 7}, {"sys", 3}, {"edit", 4}, {"enable", 2}, {"disable", 3}, {"start", 5}, {"stop", 4},
	{"write", 2}, {"copy", 3}, {"save", 3}, {"commit", 4}, {"rollback", 4}, {"load", 4}, {"apply", 5}, {"restore", 4}, {"import", 3}, {"replace", 4},
	{"set", 3}, {"unset", 3}, {"no", 2}, {"undo", 2}, {"add", 3}, {"remove", 3}, {"rename", 3}, {"move", 3},
	{"delete", 3}, {"del", 3}, {"erase", 2}, {"format", 3}, {"clear", 3}, {"reset", 3}, {"flush", 5}, {"zeroize", 4}, {"squeeze", 4},
	{"reload", 3}, {"reboot", 4}, {"restart", 4}, {"shutdown", 4}, {"halt", 4}, {"poweroff", 5}, {"power-off", 6}, {"power", 5}, {"switchover", 6}, {"failover", 5},
	{"reset-configuration", 7}, {"factoryreset", 7}, {"factory-reset", 8}, {"factory-default", 8}, {"install", 4}, {"upgrade", 4}, {"downgrade", 4}, {"issu", 4},
	{"debug", 3}, {"debugging", 3}, {"kill", 4}, {"killall", 7}, {"pkill", 5}, {"init", 4},
	{"mkdir", 3}, {"rmdir", 3}, {"rm", 2}, {"mv", 2}, {"cp", 2}, {"dd", 2}, {"mkfs", 4}, {"chmod", 5}, {"chown", 5}, {"tee", 3}, {"passwd", 4}, {"useradd", 7},
	{"userdel", 7}, {"usermod", 7}, {"crontab", 7},
}

// leads are words that a verb follows somewhere in the line: paths of menus, and programs that run what follows.
var leads = []string{
	"sudo", "do", "run", "admin", "system", "request", "execute", "exec", "file", "clock", "ip", "ipv6", "interface", "routing", "user", "tool", "tools",
	"certificate", "snmp", "disk", "systemctl", "service", "vtysh",
}

var (
	// commandEnd parts the commands of one line. A single bar is no such end: what follows it filters.
	commandEnd = regexp.MustCompile(`;|&&|\|\|`)
	// writingFilter writes what a command answers into a file, on the device or elsewhere.
	writingFilter = regexp.MustCompile(`(?i)\|\s*(redirect|tee|append|save)\b`)
)

// changing returns the word for which a command plainly changes the device, or "". It knows no platform and errs towards refusing: what
// it lets through may still change something.
func changing(command string) string {
	if m := writingFilter.FindStringSubmatch(command); m != nil {
		return strings.ToLower(m[1])
	}
	for _, part := range commandEnd.Split(command, -1) {
		menu := strings.HasPrefix(strings.TrimSpace(part), "/")
		words := strings.FieldsFunc(strings.ToLower(part), func(c rune) bool { return c == ' ' || c == '\t' || menu && c == '/' })
		for i, w := range words {
			if isVerb(w) {
				return w
			}
			if i == 0 && !menu && !slices.Contains(leads, w) {
				break
			}
		}
	}
	return ""
}

func isVerb(word string) bool {
	for _, v := range verbs {
		if len(word) >= v.least && strings.HasPrefix(v.word, word) {
			return true
		}
	}
	return false
}
