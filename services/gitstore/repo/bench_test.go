package repo

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fleet is a number of devices over sites of at most 1,000, as gitstore lays them out, with configs of about 8 KB.
type fleet struct {
	rnd     *rand.Rand
	paths   []string
	configs [][]byte
}

func newFleet(n int) *fleet {
	f := &fleet{rnd: rand.New(rand.NewPCG(7, 7))}
	for i := range n {
		f.paths = append(f.paths, fmt.Sprintf("site%03d/sw-%05d/running.cfg", i%max(n/500, 1), i))
		var b bytes.Buffer
		fmt.Fprintf(&b, "hostname sw-%05d\n", i)
		for port := range 90 {
			fmt.Fprintf(&b, "interface Ethernet1/%d\n description %x\n switchport access vlan %d\n spanning-tree portfast\n!\n", port, f.rnd.Uint32(), f.rnd.IntN(4000))
		}
		f.configs = append(f.configs, b.Bytes())
	}
	return f
}

// change edits one config somewhere.
func (f *fleet) change() (string, []byte) {
	i := f.rnd.IntN(len(f.paths))
	at := bytes.Index(f.configs[i][f.rnd.IntN(len(f.configs[i])/2):], []byte("vlan ")) + 5
	next := bytes.Clone(f.configs[i])
	copy(next[at:], fmt.Sprint(1000+f.rnd.IntN(3000)))
	f.configs[i] = next
	return f.paths[i], next
}

func (f *fleet) first() (group []Change) {
	for i, p := range f.paths {
		group = append(group, Change{Edits: []Edit{Put(p, f.configs[i])}, Message: "first", When: noon})
	}
	return group
}

// BenchmarkCommit is P5 in small: durable commits, one per changed device, in groups of 200, beside `git fast-import` doing the same
// changes (one commit per device too, in one process, synced once at its end).
func BenchmarkCommit(b *testing.B) {
	const groupSize = 200
	for _, files := range []int{1000, 10_000} {
		b.Run(fmt.Sprintf("files=%d/ours", files), func(b *testing.B) {
			f := newFleet(files)
			r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{})
			require.NoError(b, err)
			head := firstCommits(b, r, f)
			var size int64
			for n := 0; n < b.N; n += groupSize {
				var group []Change
				for range min(groupSize, b.N-n) {
					path, data := f.change()
					group = append(group, Change{Edits: []Edit{Put(path, data)}, Message: "change", When: noon})
				}
				batch, err := r.Prepare(context.Background(), head, group)
				require.NoError(b, err)
				require.NoError(b, r.SetHead(head, batch.Head))
				head, size = batch.Head, size+batch.Bytes
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(size)/float64(b.N), "disk-B/commit")
		})
		b.Run(fmt.Sprintf("files=%d/fast-import", files), func(b *testing.B) { benchFastImport(b, files) })
	}
}

func firstCommits(b *testing.B, r *Repo, f *fleet) Hash {
	b.Helper()
	batch, err := r.Prepare(context.Background(), Hash{}, f.first())
	require.NoError(b, err)
	require.NoError(b, r.SetHead(Hash{}, batch.Head))
	b.ResetTimer()
	return batch.Head
}

func benchFastImport(b *testing.B, files int) {
	f := newFleet(files)
	r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{})
	require.NoError(b, err)
	head := firstCommits(b, r, f)
	before := diskUse(b, r.packDir())
	var in bytes.Buffer
	for n := range b.N {
		path, data := f.change()
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter x <x@x> 1772366400 +0000\ndata 7\nchange\n")
		if n == 0 {
			fmt.Fprintf(&in, "from %s\n", head)
		}
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(data), data)
	}
	in.WriteString("done\n")
	cmd := exec.Command("git", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done")
	cmd.Dir, cmd.Env, cmd.Stdin = r.Dir(), gitEnv(), &in
	b.ResetTimer()
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
	b.ReportMetric(float64(diskUse(b, r.packDir())-before)/float64(b.N), "disk-B/commit")
}

func diskUse(b *testing.B, dir string) (sum int64) {
	b.Helper()
	packs, err := filepath.Glob(filepath.Join(dir, "*.pack"))
	require.NoError(b, err)
	for _, p := range packs {
		st, err := os.Stat(p)
		require.NoError(b, err)
		sum += st.Size()
	}
	return sum
}

// BenchmarkBlob is the content part of P7: random reads over 300 packs.
func BenchmarkBlob(b *testing.B) {
	f := newFleet(2000)
	r, err := Open(filepath.Join(b.TempDir(), "c.git"), Options{FS: newCrashFS()})
	require.NoError(b, err)
	head := firstCommits(b, r, f)
	var blobs []Hash
	for range 300 {
		var group []Change
		for range 10 {
			path, data := f.change()
			group = append(group, Change{Edits: []Edit{Put(path, data)}, Message: "change", When: noon})
		}
		batch, err := r.Prepare(context.Background(), head, group)
		require.NoError(b, err)
		head = batch.Head
		for _, w := range batch.Commits {
			blobs = append(blobs, w.Blobs...)
		}
	}
	for b.Loop() {
		_, err := r.Blob(context.Background(), blobs[f.rnd.IntN(len(blobs))])
		require.NoError(b, err)
	}
}

// BenchmarkDiff is the diff part of P7: two 64 KB revisions, and 1 MB ones.
func BenchmarkDiff(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var old bytes.Buffer
			for i := 0; old.Len() < size; i++ {
				fmt.Fprintf(&old, "interface Ethernet%d\n switchport access vlan %d\n!\n", i, i%4000)
			}
			next := bytes.ReplaceAll(old.Bytes(), []byte("vlan 77"), []byte("vlan 99"))
			for b.Loop() {
				_ = Diff("a", "b", old.Bytes(), next, 3)
			}
		})
	}
}
