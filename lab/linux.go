package lab

import (
	"fmt"
	"strings"
	"time"
)

// linuxHost is a Debian-like host. Its configuration is a set of files; in the
// text of Device.Config each follows a line with its path.
type linuxHost struct{}

func (linuxHost) version() string            { return "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3" }
func (linuxHost) account(user string) string { return user }
func (linuxHost) plainExec() bool            { return true }
func (linuxHost) pager() pager               { return pager{} }

// greeting and prompt are empty without a terminal, as for any shell.
func (linuxHost) greeting(s *session) string {
	s.paging = false
	if s.lf = !s.pty; s.lf {
		return ""
	}
	return "Linux " + s.dev.spec.Name + " 6.1.0-28-amd64 #1 SMP x86_64\r\n\r\nLast login: " + clock("Mon Jan _2 15:04:05 2006") + " from 127.0.0.1\r\n"
}

func (linuxHost) prompt(s *session) string {
	switch {
	case !s.pty:
		return ""
	case s.root:
		return "\x1b[?2004hroot@" + s.dev.spec.Name + ":~# "
	}
	return "\x1b[?2004h" + s.user + "@" + s.dev.spec.Name + ":~$ "
}

func (linuxHost) readLine(s *session) (string, bool) {
	if !s.pty {
		return s.lineUntil(false, "")
	}
	return s.lineUntil(true, "\r\n\x1b[?2004l\r")
}

// run takes commands joined by ; and &&, and the one kind of loop that linuxLoop knows.
func (k linuxHost) run(s *session, line string) (status uint32) {
	if l, ok := parseLinuxLoop(line); ok {
		return l.run(s)
	}
	for _, all := range strings.Split(line, ";") {
		for _, one := range strings.Split(all, "&&") {
			if status = k.one(s, strings.Fields(one)); status != 0 || s.over {
				break
			}
		}
	}
	s.status = status
	return status
}

func (k linuxHost) one(s *session, words []string) uint32 {
	if len(words) > 0 && words[0] == "sudo" {
		words = words[1:]
		for len(words) > 0 && strings.HasPrefix(words[0], "-") {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return 0
	}
	switch words[0] {
	case "cat":
		return linuxCat(s, words[1:])
	case "ip":
		return linuxIP(s, words[1:])
	case "hostname":
		s.write(s.dev.spec.Name + "\r\n")
	case "uname":
		s.write("Linux " + s.dev.spec.Name + " 6.1.0-28-amd64 #1 SMP x86_64 GNU/Linux\r\n")
	case "echo":
		s.write(linuxEcho(s, words[1:]) + "\r\n")
	case "su":
		return linuxRoot(s)
	case "exit", "logout":
		s.over = !s.root
		s.root = false
	case "export", "unset", "stty", "set", "true", "alias", "unalias":
	default:
		if strings.Contains(words[0], "=") {
			return 0
		}
		s.write("-bash: " + words[0] + ": command not found\r\n")
		return 127
	}
	return 0
}

func linuxEcho(s *session, words []string) string {
	text := strings.ReplaceAll(strings.Join(words, " "), "$?", fmt.Sprint(s.status))
	return strings.NewReplacer(`"`, "", `'`, "").Replace(text)
}

// linuxRoot is su: it asks for the enable secret, or else the login password.
func linuxRoot(s *session) uint32 {
	want := s.dev.spec.EnableSecret
	if want == "" {
		want = s.dev.Info().Password
	}
	s.write("Password: ")
	got, ok := s.line(false)
	if !ok {
		s.over = true
		return 1
	}
	if got != want {
		s.write("su: Authentication failure\r\n")
		return 1
	}
	s.root = true
	return 0
}

func linuxCat(s *session, paths []string) (status uint32) {
	text := s.dev.rendered().body
	for _, p := range paths {
		_, after, ok := strings.Cut("\r\n"+text, "\r\n"+p+"\r\n")
		if !ok || !strings.HasPrefix(p, "/") {
			s.write("cat: " + p + ": No such file or directory\r\n")
			status = 1
			continue
		}
		end := strings.Index("\r\n"+after, "\r\n/")
		if end < 0 {
			end = len(after)
		}
		s.showConfig(configText{body: after[:end]})
	}
	return status
}

func linuxIP(s *session, words []string) uint32 {
	id := newIdentity(s.dev)
	mac := strings.ToLower(id.hex(2) + ":" + id.hex(2))
	switch w := strings.Join(words, " "); w {
	case "link", "link show", "addr", "a", "address":
		s.write(crlf("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n" +
			"    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n" +
			"2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP mode DEFAULT group default qlen 1000\n" +
			"    link/ether 52:54:00:12:" + mac + " brd ff:ff:ff:ff:ff:ff\n"))
	case "route", "route show", "-4 route":
		s.write("default via 10.90.0.1 dev eth0 proto static\r\n10.90.0.0/16 dev eth0 proto kernel scope link src " + id.loopback() + "\r\n")
	case "-6 route", "-6 route show":
		s.write(fmt.Sprintf("fe80::/64 dev eth0 proto kernel metric 256 pref medium\r\ndefault via fe80::1 dev eth0 proto ra metric 1024 expires %dsec pref medium\r\n", 1800-int(time.Since(id.born).Seconds())%1800))
	default:
		s.write("Object \"" + w + "\" is unknown, try \"ip help\".\r\n")
		return 1
	}
	return 0
}

func (linuxHost) render(_ *identity, c *configuration) configText { return configText{body: c.body()} }

func (linuxHost) describe(text string) Change {
	return Change{Section: "/etc/hosts", Line: "192.0.2.250 " + strings.Join(strings.Fields(text), "-")}
}

func (linuxHost) edit(lines []string, c Change) ([]string, error) {
	isFile := func(l string) bool { return strings.HasPrefix(l, "/") }
	return editMenus(lines, c, isFile, func(have, want string) bool {
		h, w := strings.Fields(have), strings.Fields(want)
		return len(h) > 0 && len(w) > 0 && h[0] == w[0] && c.Section == "/etc/hosts"
	})
}

func (linuxHost) generate(id *identity) string {
	p := &page{}
	p.add("/etc/hostname\n%s", id.name)
	p.add("/etc/resolv.conf\nsearch lab.example.net\nnameserver 192.0.2.53")
	p.add("/etc/passwd\nroot:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n%s:x:1000:1000::/home/%s:/bin/bash", id.user, id.user)
	p.add("/etc/group\nroot:x:0:\nsudo:x:27:%s\n%s:x:1000:", id.user, id.user)
	p.add("/etc/nsswitch.conf\npasswd: files\ngroup: files\nhosts: files dns")
	p.add("/etc/motd\nWelcome to %s # do not touch >", id.name)
	p.add("/etc/issue\nDebian GNU/Linux 12 \\n \\l")
	p.add("/etc/os-release\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian")
	p.add("/etc/network/interfaces\nauto lo\niface lo inet loopback\nauto eth0\niface eth0 inet static\n    address %s/16\n    gateway 10.90.0.1", id.loopback())
	p.add("/etc/snmp/snmpd.conf\nrocommunity %s 192.0.2.0/24", id.word())
	p.add("/etc/wireguard/wg0.conf\n[Interface]\nPrivateKey = %s=\nListenPort = 51820", id.hash("", 40, 2))
	p.add("/etc/hosts\n127.0.0.1 localhost\n127.0.1.1 %s", id.name)
	p.fill(id.size, func(i int) string {
		return fmt.Sprintf("10.90.%d.%d %s-%d.lab.example.net", i/250%250, i%250+1, pick(id, "db", "web", "cache", "queue"), i)
	})
	return p.String()
}
