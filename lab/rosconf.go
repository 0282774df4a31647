package lab

import (
	"fmt"
	"strings"
)

// render puts the time of the export on top.
func (mikrotikRouterOS) render(id *identity, c *configuration) configText {
	return configText{
		head: fmt.Sprintf("# %s by RouterOS %s\r\n# software id = %s\r\n#\r\n# model = %s\r\n# serial number = %s\r\n",
			clock("2006-01-02 15:04:05"), rosVersion, id.serial[:4]+"-"+id.serial[4:8], rosModel, id.serial),
		body: c.body(),
	}
}

func (mikrotikRouterOS) describe(text string) Change {
	return Change{Section: "/interface ethernet", Line: fmt.Sprintf("set [ find default-name=ether1 ] comment=%q", text)}
}

func (mikrotikRouterOS) edit(lines []string, c Change) ([]string, error) {
	isMenu := func(l string) bool { return strings.HasPrefix(l, "/") }
	return editMenus(lines, c, isMenu, func(have, want string) bool {
		h, hok := cutAfter(have, " ]")
		w, wok := cutAfter(want, " ]")
		if !hok && !wok { // "set name=x" of a menu with one entry
			h, hok = cutAfter(have, "=")
			w, wok = cutAfter(want, "=")
		}
		return hok && wok && h == w && strings.HasPrefix(h, "set ")
	})
}

func cutAfter(text, mark string) (string, bool) {
	i := strings.Index(text, mark)
	return text[:i+1], i >= 0
}

func (mikrotikRouterOS) generate(id *identity) string {
	p := &page{}
	p.add("/interface bridge\nadd admin-mac=48:A9:8A:%s:%s:01 auto-mac=no comment=defconf name=bridge", id.hex(2), id.hex(2))
	p.add("/interface ethernet")
	for n := 1; n <= 8; n++ {
		p.add("set [ find default-name=ether%d ] comment=%q", n, pick(id, "uplink", "desk", "camera", "till")+fmt.Sprint(" ", n))
	}
	p.add("/interface wireguard\nadd listen-port=13231 mtu=1420 name=wg1 private-key=%q", id.hash("", 40, 2)+"=")
	p.add("/interface wireless security-profiles\nset [ find default=yes ] authentication-types=wpa2-psk mode=dynamic-keys \\\n    supplicant-identity=MikroTik")
	p.add("/interface wifi security\nadd authentication-types=wpa2-psk,wpa3-psk name=sec1 passphrase=%q", id.word()+" "+id.word())
	p.add("/snmp community\nset [ find default=yes ] disabled=yes\nadd addresses=192.0.2.0/24 authentication-password=%s name=%s", id.word(), id.word())
	p.add("/user group\nset read policy=local,ssh,read,test,!write\n/ppp secret\nadd name=branch password=%s service=l2tp", id.word())
	p.add("/ip address\nadd address=%s interface=lo\nadd address=10.80.%d.1/24 interface=bridge network=10.80.%d.0", id.loopback(), id.index%250, id.index%250)
	p.add("/ip dns\nset servers=192.0.2.53\n/ip firewall address-list")
	p.fill(id.size-560, func(i int) string {
		return fmt.Sprintf("add address=10.%d.%d.0/24 list=%s", id.IntN(250), i%250, pick(id, "customers", "partners", "blocked"))
	})
	p.add("/ip firewall filter\nadd action=accept chain=input connection-state=established,related\nadd action=drop chain=input comment=\"# drop the rest >\" in-interface=ether1")
	p.add("/ip ipsec identity\nadd peer=hq secret=%s", id.word())
	p.add("/ip service\nset telnet disabled=yes\nset ftp disabled=yes\nset api disabled=yes")
	p.add("/system clock\nset time-zone-name=Etc/UTC\n/system identity\nset name=%s", id.name)
	p.add("/system ntp client servers\nadd address=192.0.2.123")
	return p.String()
}
