package platforms

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// config is an IOS-like configuration of about n bytes, written by us: mostly interfaces, with the
// share of secrets that access switches have.
func config(n int) []byte {
	var b bytes.Buffer
	b.WriteString("Building configuration...\r\n\r\nCurrent configuration : 8123 bytes\r\n!\r\n! Last configuration change at 10:00:00 UTC Mon Nov 2 2026 by ops\r\n!\r\nversion 15.2\r\n")
	b.WriteString("service password-encryption\r\n!\r\nhostname bench\r\n!\r\nenable secret 9 $9$abcdefgh$0123456789\r\n!\r\nusername ops privilege 15 secret 9 $9$zyxwvuts$9876543210\r\n")
	for i := 0; b.Len() < n-200; i++ {
		fmt.Fprintf(&b, "interface GigabitEthernet1/0/%d\r\n description access port %d in room %d\r\n switchport access vlan %d\r\n switchport mode access\r\n"+
			" spanning-tree portfast\r\n ip ospf cost %d\r\n!\r\n", i, i, i%40, i%4000, i%100)
		if i%20 == 0 {
			fmt.Fprintf(&b, "router bgp 65000\r\n neighbor 10.0.%d.1 remote-as 65001\r\n neighbor 10.0.%d.1 password 7 0822455D0A16\r\n!\r\n", i%256, i%256)
		}
	}
	b.WriteString("snmp-server community verysecret RO 10\r\nline vty 0 4\r\n password 7 0822455D0A16\r\n!\r\nend\r\n")
	return b.Bytes()
}

func sizes(b *testing.B, do func(page *Page, text []byte)) {
	page, _ := Builtin().Lookup("cisco_ios")
	for _, n := range []int{8 << 10, 64 << 10, 1 << 20, 30 << 20} {
		text := config(n)
		b.Run(fmt.Sprintf("%dKB", n>>10), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				do(page, text)
			}
		})
	}
}

func BenchmarkClean(b *testing.B) {
	sizes(b, func(page *Page, text []byte) { page.Main().Clean(text) })
}

func BenchmarkMask(b *testing.B) {
	sizes(b, func(page *Page, text []byte) { page.Mask(text, testTag) })
}

func BenchmarkVerify(b *testing.B) {
	sizes(b, func(page *Page, text []byte) { page.Main().Verify(text, Ending{}) })
}

// BenchmarkUnchanged is the whole work on one device of a quiet night.
func BenchmarkUnchanged(b *testing.B) {
	sizes(b, func(page *Page, text []byte) {
		main := page.Main()
		if main.Verify(text, Ending{}) != nil {
			b.Fatal("incomplete")
		}
		ChangeDigest([]byte("key"), page, main, main.Clean(text))
		page.FactsOf(map[string][]byte{main.Name: text})
	})
}

func BenchmarkParse(b *testing.B) {
	page, _ := Builtin().Lookup("cisco_ios")
	for b.Loop() {
		Parse("bench", page.Source())
	}
}

// BenchmarkHostile gives 1 MB each of what a device could send to make the work grow faster than the
// text; compare the figures with those of 256 KB.
func BenchmarkHostile(b *testing.B) {
	indented := func(n int) []byte {
		var out bytes.Buffer
		for i := 0; out.Len() < n; i++ {
			out.WriteString(strings.Repeat(" ", i%1000) + "key x\n")
		}
		return out.Bytes()
	}
	for name, unit := range map[string]string{
		"OneLine":  "password 7 x ",
		"Quotes":   `password "`,
		"URLs":     "a://b:c",
		"Headers":  "tacacs server a\n",
		"Children": " key x\n",
		"Keys":     "-----BEGIN PRIVATE KEY-----\n",
		"Nested":   "",
		"Base64":   "QUJD",
	} {
		for _, n := range []int{256 << 10, 1 << 20} {
			text := bytes.Repeat([]byte(unit), n/max(len(unit), 1))
			if unit == "" {
				text = indented(n)
			}
			text = append([]byte("tacacs server b\n"), text...)
			for _, page := range Builtin().List() {
				p, _ := Builtin().Lookup(page.Name)
				b.Run(fmt.Sprintf("%s/%s/%dKB", name, page.Name, n>>10), func(b *testing.B) {
					b.SetBytes(int64(len(text)))
					for b.Loop() {
						p.Main().Clean(text)
						p.Mask(text, nil)
						p.Main().Verify(text, Ending{})
					}
				})
			}
		}
	}
}
