package lab

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// identity is what follows from the lab's seed and a device's name: its random
// numbers, and the facts that generator and commands have to agree on.
type identity struct {
	*rand.Rand
	name, user string
	index      int
	size       int
	born       time.Time
	serial     string
}

func newIdentity(d *Device) *identity {
	h := fnv.New64a()
	_, _ = h.Write([]byte(d.spec.Name)) // a hash takes every byte
	id := &identity{
		Rand: rand.New(rand.NewPCG(d.lab.cfg.Seed, h.Sum64())),
		name: d.spec.Name, user: d.spec.Username, index: d.index, size: d.spec.ConfigSize, born: d.born,
	}
	id.serial = id.letters(3, "ABCDEFGHJKLMNPQRSTUVWXYZ") + fmt.Sprintf("%04d", id.IntN(10000)) + id.letters(4, "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ")
	return id
}

func (id *identity) letters(n int, from string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[id.IntN(len(from))]
	}
	return string(b)
}

func (id *identity) hex(n int) string { return id.letters(n, "0123456789ABCDEF") }

const base64Letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (id *identity) hash(prefix string, salt, n int) string {
	return prefix + id.letters(salt, base64Letters) + "$" + id.letters(n, base64Letters)
}

// word is a secret that people would choose.
func (id *identity) word() string {
	return pick(id, "amber", "copper", "granite", "harbour", "juniper", "kestrel", "lantern", "meadow") +
		pick(id, "-ro-", "-rw-", "-") + id.letters(6, "abcdefghjkmnpqrstuvwxyz23456789")
}

// loopback is an address of the device's own in 10.255.0.0/16.
func (id *identity) loopback() string {
	return fmt.Sprintf("10.255.%d.%d", id.index/250%256, id.index%250+1)
}

func (id *identity) uptime() string {
	d := time.Since(id.born) + 1000*time.Hour
	h := int(d.Hours())
	return fmt.Sprintf("%d weeks, %d days, %d hours, %d minutes", h/168, h/24%7, h%24, int(d.Minutes())%60)
}

func pick(id *identity, from ...string) string { return from[id.IntN(len(from))] }

// page gathers a configuration's lines.
type page struct{ strings.Builder }

func (p *page) add(format string, args ...any) {
	fmt.Fprintf(&p.Builder, format, args...)
	p.WriteByte('\n')
}

// fill adds lines until the page is size bytes, so that any size can be had.
func (p *page) fill(size int, line func(i int) string) {
	for i := 0; p.Len() < size; i++ {
		p.WriteString(line(i))
		p.WriteByte('\n')
	}
}
