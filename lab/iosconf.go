package lab

import (
	"fmt"
	"time"
)

func clock(layout string) string { return time.Now().UTC().Format(layout) }

// render puts the lines around the configuration that change by themselves.
func (ciscoIOS) render(id *identity, c *configuration) configText {
	body := c.body()
	head := "version 15.2\r\n"
	last := fmt.Sprintf("!\r\n! Last configuration change at %s by %s\r\n!\r\n", c.changedAt.Format(iosTime), c.changedBy)
	foot := fmt.Sprintf("!\r\nntp clock-period %d\r\nntp server 192.0.2.123\r\n!\r\nend\r\n\r\n", 36028800+c.reads*7%997+id.index%89)
	return configText{
		head: fmt.Sprintf("Building configuration...\r\n\r\nCurrent configuration : %d bytes\r\n%s%s",
			len(body)+len(last)+len(head)+len(foot), last, head),
		body: body, foot: foot,
	}
}

func (ciscoIOS) describe(text string) Change {
	return Change{Section: "interface GigabitEthernet1/0/1", Line: "description " + text}
}

func (ciscoIOS) edit(lines []string, c Change) ([]string, error) { return editIndented(lines, c, " ") }

func (ciscoIOS) generate(id *identity) string {
	p := &page{}
	iosGlobal(p, id)
	iosInterfaces(p, id)
	tail := iosTail(id)
	p.add("ip access-list extended EDGE-IN")
	p.fill(id.size-len(tail)-420, func(i int) string {
		return fmt.Sprintf(" permit tcp 10.%d.%d.0 0.0.0.255 host 192.0.2.%d eq %d", id.index%250, i%250, 1+id.IntN(250), 1024+id.IntN(40000))
	})
	p.add(" deny   ip any any log")
	p.WriteString(tail)
	return p.String()
}

func iosGlobal(p *page, id *identity) {
	p.add("no service pad\nservice timestamps debug datetime msec\nservice timestamps log datetime msec\nservice password-encryption\n!")
	p.add("hostname %s\n!\nboot-start-marker\nboot-end-marker\n!", id.name)
	p.add("enable secret 9 %s\n!", id.hash("$9$", 14, 43))
	p.add("username %s privilege 15 secret 9 %s", id.user, id.hash("$9$", 14, 43))
	p.add("username operator privilege 1 password 7 %s", id.hex(18))
	p.add("aaa new-model\n!\naaa authentication login default group tacacs+ local\naaa session-id common\n!")
	p.add("clock timezone UTC 0 0\nno ip domain-lookup\nip domain-name lab.example.net\n!")
	p.add("crypto pki trustpoint TP-self-signed-%d\n enrollment selfsigned\n revocation-check none\n!", 100000000+id.IntN(900000000))
	p.add("spanning-tree mode rapid-pvst\nspanning-tree extend system-id\n!")
	for v := range 6 {
		p.add("vlan %d\n name %s\n!", 10+v*10, []string{"USERS", "VOICE", "PRINTERS", "CAMERAS", "GUESTS", "MGMT"}[v])
	}
}

func iosInterfaces(p *page, id *identity) {
	p.add("interface Loopback0\n ip address %s 255.255.255.255\n!", id.loopback())
	for n := 1; n <= 48 && p.Len() < id.size*6/10; n++ {
		p.add("interface GigabitEthernet1/0/%d\n description %s port %d", n, pick(id, "desk", "phone", "camera", "printer"), n)
		p.add(" switchport access vlan %d\n switchport mode access\n spanning-tree portfast\n!", 10+10*id.IntN(5))
	}
	p.add("interface Vlan60\n ip address 10.60.%d.%d 255.255.255.0", id.index/250%250, id.index%250+1)
	p.add(" ip ospf message-digest-key 1 md5 7 %s\n standby 1 authentication md5 key-string 7 %s\n!", id.hex(20), id.hex(16))
}

func iosTail(id *identity) string {
	p := &page{}
	p.add("!\nip default-gateway 10.60.%d.254\nlogging host 192.0.2.50", id.index/250%250)
	p.add("snmp-server community %s RO\nsnmp-server community %s RW", id.word(), id.word())
	p.add("snmp-server location %s\nsnmp-server contact noc@example.net", pick(id, "rack 4", "rack 9", "wiring closet 2"))
	p.add("snmp-server host 192.0.2.60 version 2c %s", id.word())
	p.add("tacacs server TAC1\n address ipv4 192.0.2.70\n key 7 %s\n!", id.hex(22))
	p.add("radius server RAD1\n address ipv4 192.0.2.71 auth-port 1812 acct-port 1813\n key 7 %s\n!", id.hex(22))
	p.add("banner login ^C\nAuthorised access only # no entry >\n^C\n!")
	p.add("line con 0\n password 7 %s\nline vty 0 4\n transport input ssh\n transport preferred none\nline vty 5 15\n transport input ssh", id.hex(18))
	return p.String()
}
