package repo

import (
	"bytes"
	"container/list"
	"fmt"
	"strings"
	"sync"
)

// A tree object is a sequence of "mode name\0" + 20 bytes, sorted by name, where a folder sorts as if its name ended in "/".
// Trees are edited as bytes: a commit changes one entry per folder, and the bytes are needed anyway for hash and pack.

const (
	modeFile = "100644"
	modeDir  = "40000"
)

// treeEntry is one line of a folder.
type treeEntry struct {
	name string
	dir  bool
	hash Hash
}

// entryAt reads the entry that starts at off, and where the next one starts.
func entryAt(tree []byte, off int) (e treeEntry, next int, err error) {
	rest := tree[off:]
	space := bytes.IndexByte(rest, ' ')
	zero := bytes.IndexByte(rest, 0)
	if space < 0 || zero < space || len(rest) < zero+1+len(e.hash) {
		return e, 0, fmt.Errorf("%w: malformed folder", ErrCorrupt)
	}
	e.name = string(rest[space+1 : zero])
	e.dir = string(rest[:space]) == modeDir
	copy(e.hash[:], rest[zero+1:])
	return e, off + zero + 1 + len(e.hash), nil
}

// entries reads a whole folder.
func entries(tree []byte) ([]treeEntry, error) {
	var out []treeEntry
	for off := 0; off < len(tree); {
		e, next, err := entryAt(tree, off)
		if err != nil {
			return nil, err
		}
		out, off = append(out, e), next
	}
	return out, nil
}

// findEntry gives the entry of that name and the bytes it takes, or where it would have to be inserted as a file or as a folder.
func findEntry(tree []byte, name string, asDir bool) (e treeEntry, from, to int, found bool, err error) {
	insert := -1
	for off := 0; off < len(tree); {
		// Only the name is looked at on the way: a folder of a thousand devices is passed at every commit.
		rest := tree[off:]
		space := bytes.IndexByte(rest, ' ')
		if space < 0 {
			return e, 0, 0, false, fmt.Errorf("%w: malformed folder", ErrCorrupt)
		}
		zero := bytes.IndexByte(rest[space:], 0) + space
		if zero < space || len(rest) < zero+21 {
			return e, 0, 0, false, fmt.Errorf("%w: malformed folder", ErrCorrupt)
		}
		here := rest[space+1 : zero]
		if string(here) == name {
			e, next, err := entryAt(tree, off)
			return e, off, next, true, err
		}
		if insert < 0 && before(name, asDir, here, string(rest[:space]) == modeDir) {
			insert = off
		}
		off += zero + 21
	}
	if insert < 0 {
		insert = len(tree)
	}
	return e, insert, insert, false, nil
}

// before says whether a comes before b in a folder.
func before(a string, aDir bool, b []byte, bDir bool) bool {
	n := min(len(a), len(b))
	if c := strings.Compare(a[:n], string(b[:n])); c != 0 {
		return c < 0
	}
	return tail(a, n, aDir) < tail(string(b), n, bDir)
}

func tail(s string, n int, dir bool) byte {
	if n < len(s) {
		return s[n]
	}
	if dir {
		return '/'
	}
	return 0
}

// setEntry puts or replaces an entry; a zero hash takes it away. A file never silently replaces a folder, nor a folder a file.
func setEntry(tree []byte, name string, dir bool, h Hash) ([]byte, error) {
	old, from, to, found, err := findEntry(tree, name, dir)
	if err != nil {
		return nil, err
	}
	if found && old.dir != dir {
		return nil, fmt.Errorf("%w: %q", ErrConflict, name)
	}
	out := make([]byte, 0, len(tree)+len(name)+28)
	out = append(out, tree[:from]...)
	if !h.IsZero() {
		mode := modeFile
		if dir {
			mode = modeDir
		}
		out = append(out, mode...)
		out = append(out, ' ')
		out = append(out, name...)
		out = append(out, 0)
		out = append(out, h[:]...)
	}
	return append(out, tree[to:]...), nil
}

// treeCache keeps folders by name, those used last, within a number of bytes.
type treeCache struct {
	mu    sync.Mutex
	limit int
	size  int
	byKey map[Hash]*list.Element
	order *list.List // of cachedTree, most recent first
}

type cachedTree struct {
	hash Hash
	data []byte
}

// cacheOverhead is what an entry costs beside its bytes, about.
const cacheOverhead = 200

func newTreeCache(limit int) *treeCache {
	return &treeCache{limit: limit, byKey: map[Hash]*list.Element{}, order: list.New()}
}

func (c *treeCache) get(h Hash) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[h]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(cachedTree).data, true //nolint:forcetypeassert // only put adds
}

// put keeps data, which nobody may change afterwards.
func (c *treeCache) put(h Hash, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[h]; ok {
		return
	}
	c.byKey[h] = c.order.PushFront(cachedTree{h, data})
	c.size += len(data) + cacheOverhead
	for c.size > c.limit && c.order.Len() > 1 {
		last := c.order.Back()
		old := c.order.Remove(last).(cachedTree) //nolint:forcetypeassert // only put adds
		delete(c.byKey, old.hash)
		c.size -= len(old.data) + cacheOverhead
	}
}

// tree reads a folder through the cache. The zero Hash and the empty tree are the folder without entries.
func (r *Repo) tree(h Hash) ([]byte, error) {
	if h.IsZero() || h == emptyTree {
		return nil, nil
	}
	if data, ok := r.trees.get(h); ok {
		return data, nil
	}
	k, data, err := r.packs.read(h)
	if err != nil {
		return nil, err
	}
	if k != kindTree {
		return nil, fmt.Errorf("%w: %s is a %s, not a folder", ErrNotFound, h, k)
	}
	r.trees.put(h, data)
	return data, nil
}
