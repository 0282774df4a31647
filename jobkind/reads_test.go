package jobkind

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What people run on many devices at once, by the devices that know it.
var readingCommands = map[string][]string{
	"Cisco IOS": {
		"show version", "show running-config", "sh ver", "sh run", "sh ip int brief", "SHOW VERSION", "show running-config | include (set|delete|reload)", "show run | i hostname",
		"show run | section ^router bgp", "show interfaces | include line protocol|e CRC", "show interfaces Gi[0-9]", `show ip bgp regexp ^65000_[0-9]+$`, "show clock", "show reload",
		"show log | begin Nov 27", "more flash:vlan.dat", "dir flash:", "ping 192.0.2.1", "traceroute 192.0.2.1", "terminal length 0", "term len 0", "write terminal", "do show ip route",
		"show running-config | exclude !", "verify /md5 flash:x.bin", "show mac address-table | count dynamic", "show debugging",
	},
	"Cisco IOS XR": {"show running-config | utility egrep -v ntp", "admin show inventory", "show configuration commit list", "show install active", "show run formal"},
	"Cisco NX-OS":  {"show interface status | grep connected | count", "show version | json", "show running-config | no-more", "show vpc brief", `show run | egrep "ntp|snmp"`, "show module | xml"},
	"Cisco ASA":    {"more system:running-config", "show tech-support", "terminal pager 0", "show failover"},
	"Junos": {
		"show configuration | display set", `show configuration | display set | match "ntp|snmp" | no-more`, "show configuration | compare rollback 1", "show chassis hardware detail",
		"request support information", "file show /var/log/messages", "file list /var/tmp", "show log messages | last 20", `cli -c "show version"`, "set cli screen-length 0",
	},
	"Huawei, H3C":   {"display current-configuration", "dis ver", "display interface brief | include (up|down)", "screen-length 0 temporary", "display diagnostic-information", "tracert 192.0.2.1"},
	"FortiGate":     {"get system status", "show full-configuration", "get router info routing-table all | grep 10.", "diagnose hardware deviceinfo nic", "diag sys ha status", "execute ping 192.0.2.1", "exe ping 192.0.2.1"},
	"RouterOS":      {"/export", "/export show-sensitive", "/ip address print detail", "/ip/address/print", "system resource print", "/interface ethernet monitor ether1 once", "/tool traceroute 192.0.2.1", "/log print"},
	"Nokia":         {"admin display-config", "admin show configuration", "info from running", "info", "show router bgp summary", "environment no more", "show version | as json"},
	"F5":            {"tmsh list ltm virtual", "tmsh show sys version", "tmsh -q list", "list ltm pool", "show sys hardware"},
	"Cumulus, FRR":  {"nv show interface", "nv config show", "net show bgp summary", "vtysh -c 'show ip bgp summary'", `sudo vtysh -c "show run" -c "show version"`},
	"Arista":        {"show running-config | section bgp", "show interfaces | json", "show version | grep -i serial"},
	"Palo Alto":     {"show system info", "less mp-log ms.log", "request license info", "show config running"},
	"Brocade, SAOS": {"switchshow", "chassisshow", "configshow -all", "version", "software show", "port xcvr show", "configuration show"},
	"Check Point":   {"show configuration", "fw stat", "cphaprob stat", "cpstat os", `clish -c "show version all"`},
	"Linux and BSD": {
		"cat /etc/hosts", "uname -a", "ip addr show", "ip -br link", "ip route show table all", "ip a", "ip -6 neigh", "bridge fdb show", "ifconfig -a", "netstat -rn", "ss -tlnp", "df -h", "ls -la /etc",
		"systemctl status ssh", "journalctl -u ssh -n 50 --no-pager", "iptables -nvL", "iptables -t nat -S", "pfctl -sr", "uci show network", "ps aux | grep sshd | wc -l", "sudo cat /etc/frr/frr.conf",
		"date", "uptime", "ethtool -m eth0", "nft list ruleset", "lldpcli show neighbors", "dmesg | tail -n 20", "sysctl net.ipv4.ip_forward", "hostname",
	},
	"others": {"show", "get config", "showserial", "about", "copy running-configuration display", "config -g config", "show sysinfo"},
}

func TestCommandsThatRead(t *testing.T) {
	n := 0
	for platform, list := range readingCommands {
		for _, c := range list {
			require.Empty(t, unread(c), "%s: %s", platform, c)
			n++
		}
	}
	require.Greater(t, n, 120)
}

func TestCommandsNotKnownOnlyToRead(t *testing.T) {
	for _, c := range []string{
		// Shells.
		"echo x > /etc/passwd", "show run > /tmp/x", "cat x | sudo tee y", "`reboot`", "$(reboot)", "show $(reboot)", "show `reboot`", "sh -c 'reboot'", "sh", "sh reboot", "sh poweroff", "sh ./x",
		"bash", "tclsh", "python", "env reboot", "sudo reboot", "sudo rm -rf x", "rm x", "show version ; reload", "show version && reboot", "show version & reboot", "show version || reboot",
		"show version | reboot", "show version | include a|reboot", `show version | include "a\"|reboot "`, `show version | include \(a|reboot\)`, "show version | include (a|b", "show version |", "| show version",
		"show (a) | (reboot)", "show () (reboot)", "show <(reboot)", "cat < x", "show ${x:=reboot}", "show !reb", "show !!", `show x \`, "show version | bash", "show version | xargs reboot", "show version | find / -delete",
		"show x | sort -o /etc/passwd", "show x | less -o /tmp/x", "show x | sed -i s/a/b/ f", "show x | awk 'BEGIN{system(\"reboot\")}'", "cat x | display -write y", "find / -delete", "vtysh", "vtysh -c 'conf t'",
		"vtysh -c 'show version' -c 'conf t'", `vtysh -c "show version | bash"`, `cli -c "request system reboot"`, "info -o /etc/passwd ls", "file show -C", "date 01010000", "hostname x", "dmesg -C", "ip link set eth0 down",
		"ip route add default via 192.0.2.1", "ip -batch x", "ip netns exec x reboot", "ss -K", "ss -Dfile", "arp -d x", "ifconfig eth0 down", "route add x", "sysctl -w a=b", "sysctl a=b", "iptables -F", "iptables -L -Z",
		"nft list -f x", "ethtool -s eth0 speed 10", "systemctl restart ssh", "journalctl --rotate", "uci set a=b", "kill 1", "less -o x", "lldpcli configure x",
		// Devices.
		"configure terminal", "conf t", "CONFIG", "system-view", "sys", "write memory", "wr", "wr mem", "write erase", "copy running-config startup-config", "delete flash:vlan.dat", "erase startup-config", "reload", "reload in 5",
		"format flash:", "clear counters", "reset saved-configuration", "set interfaces ge-0/0/0 disable", "commit confirmed", "rollback 1", "save", "undo debugging all", "debug all", "enable", "no ip routing",
		"crypto key zeroize rsa", "boot system flash:x", "event manager run x", "clock set 10:00:00", "modify", "create", "tmsh modify", "tmsh modify ltm pool x", "tmsh", "tmsh -c 'modify x'", "nv set x", "nv config apply",
		"nv config save", "net del all", "net add x", "diag sys kill 9 1", "diagnose sys session clear", "diagnose", "diagnose debug enable", "execute factoryreset", "exec reboot", "admin save", "admin reboot", "admin",
		"request system zeroize", "request system reboot", "do reload", "run", "test aaa", "start shell", "file delete x", "terminal monitor", "show running-config | redirect tftp://192.0.2.1/x", "show configuration | save x",
		"show version |tee flash:x", "show run | append flash:x", `show run | include "a|redirect flash:x"`, "show run | file disk0:x", "show run | vsh", "show tech-support file disk0:/x", "display diagnostic-information x.zip",
		"config apply show", "delete show", "exit", "changeto context x",
		// RouterOS.
		"/system reboot", "/ip address add address=192.0.2.1/24", "/ip/address/remove 0", "/file remove print", "/file rem print", "/system/script/run print", "/export file=x", "/export fil=x", "/ip address print file=x",
		"system reboot", "/system reset-configuration", "/interface disable print", "ping [/system reboot]", "/ip address print where [/system reboot]", ":put x", "/import x", "/sbin/reboot print", "/interface monitor x",
	} {
		require.NotEmpty(t, unread(c), c)
	}
}

// Whatever a line of bytes is, it is judged; what is taken for reading begins no second command.
func FuzzUnread(f *testing.F) {
	for _, list := range readingCommands {
		for _, c := range list {
			f.Add(c)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		if unread(line) == "" {
			require.NotRegexp(t, "[;&<>`]", line)
		}
	})
}
