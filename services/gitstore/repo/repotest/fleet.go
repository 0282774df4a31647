package repotest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// crowded is how many devices a site has in one folder, as gitstore lays them out: beyond, a level of 256 folders lies between.
const crowded = 1000

// Fleet is a number of devices over sites, with configurations of about 8 KB. Equal fleets change alike.
type Fleet struct {
	rnd     *rand.Rand
	sites   int
	configs [][]byte
}

// NewFleet makes a fleet.
func NewFleet(devices, sites int) *Fleet {
	f := &Fleet{rnd: rand.New(rand.NewPCG(7, 7)), sites: min(sites, devices)} //nolint:gosec // no secret
	for i := range devices {
		var b bytes.Buffer
		fmt.Fprintf(&b, "hostname %s\nusername admin privilege 15 secret 9 $9$%016x\n", f.Name(i), f.rnd.Uint64())
		for port := range 90 {
			fmt.Fprintf(&b, "interface Ethernet1/%d\n description %x\n switchport access vlan %d\n spanning-tree portfast\n!\n", port, f.rnd.Uint32(), f.rnd.IntN(4000))
		}
		b.WriteString("end\n")
		f.configs = append(f.configs, b.Bytes())
	}
	return f
}

// Len is the number of devices.
func (f *Fleet) Len() int { return len(f.configs) }

// Site is where device i stands.
func (f *Fleet) Site(i int) string { return fmt.Sprintf("site%03d", i%f.sites) }

// Name is the name of device i.
func (f *Fleet) Name(i int) string { return fmt.Sprintf("sw-%05d", i) }

// Path is where the configuration of device i lies.
func (f *Fleet) Path(i int) string {
	if len(f.configs) > crowded*f.sites {
		return fmt.Sprintf("%s/%02x/%s/running.cfg", f.Site(i), i%256, f.Name(i))
	}
	return f.Site(i) + "/" + f.Name(i) + "/running.cfg"
}

// Config is the configuration of device i now. Nobody may change it.
func (f *Fleet) Config(i int) []byte { return f.configs[i] }

// Change edits the configurations of n devices (all, if there are fewer), each in one line, and answers which.
func (f *Fleet) Change(n int) []int {
	changed := f.rnd.Perm(len(f.configs))[:min(n, len(f.configs))]
	for _, i := range changed {
		next := bytes.Clone(f.configs[i])
		at := bytes.Index(next[f.rnd.IntN(len(next)/2):], []byte("description ")) + len("description ")
		copy(next[at:], fmt.Sprintf("%x", 0x100000+f.rnd.IntN(0xefffff)))
		f.configs[i] = next
	}
	return changed
}
