package lab

import (
	"strings"
	"testing"
)

func FuzzChange(f *testing.F) {
	f.Add("interface Vlan60", "mtu 1400", false)
	f.Add("interfaces > ge-0/0/0 > unit 0", "description \"x\"", false)
	f.Add("/ip dns", "set servers=192.0.2.1", true)
	f.Add("/etc/hosts", "192.0.2.1 a", false)
	f.Fuzz(func(t *testing.T, section, line string, remove bool) {
		for name, k := range personalities {
			l, err := New(Config{Devices: []DeviceSpec{{Name: "a", Platform: name, ConfigSize: 2000}}})
			if err != nil {
				t.Fatal(err)
			}
			d := l.devices[0]
			before := strings.Count(d.Config(), "\n")
			err = d.Change(Change{Section: section, Line: line, Remove: remove})
			after := strings.Count(d.Config(), "\n")
			if err != nil && after != before || after < before-1 || after > before+1 {
				t.Fatalf("%s: %d lines became %d (%v)", name, before, after, err)
			}
			k.render(newIdentity(d), d.conf)
		}
	})
}

func FuzzCommandLine(f *testing.F) {
	f.Add("show running-config | include ^hostname", true)
	f.Add("sh | | begin (", false)
	f.Fuzz(func(t *testing.T, line string, privileged bool) {
		cmd, filters := splitPipes(line)
		for _, tree := range [][]command{iosTree, eosTree, junosTree, rosTree} {
			if _, _, ok := pickCommand(tree, cmd, privileged); ok && !unfinished(tree, "", privileged) {
				t.Fatal("a tree with commands has beginnings")
			}
		}
		for _, p := range filters {
			out, err := filter("a\r\nb\r\n", p)
			if err == nil && !strings.HasPrefix(p, "count") && len(out) > 6 {
				t.Fatalf("%q made more of it: %q", p, out)
			}
		}
		_ = junosSet(line)
	})
}
