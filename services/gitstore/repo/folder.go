package repo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// folder is one folder while a change is applied: the bytes it had, the bytes it has, and the sub-folders that were opened.
// Only what lies on an edited path is ever opened.
type folder struct {
	orig     Hash
	origData []byte
	data     []byte
	subs     map[string]*folder
	touched  []string // sub-folders that may have changed since the last settle; a group opens many, a change few
}

// folderAt opens a folder; the zero Hash opens a new one.
func (r *Repo) folderAt(h Hash) (*folder, error) {
	data, err := r.tree(h)
	if err != nil {
		return nil, err
	}
	return &folder{orig: h, origData: data, data: data, subs: map[string]*folder{}}, nil
}

// apply does one edit below root. blob is the content's name for a Put.
func (r *Repo) apply(root *folder, e Edit, blob Hash) error {
	to, err := splitPath(e.Path)
	if err != nil {
		return err
	}
	switch {
	case e.Removed:
		_, err = r.take(root, to)
		return err
	case e.From != "":
		return r.move(root, e.From, to)
	}
	return r.place(root, to, taken{file: blob})
}

func (r *Repo) move(root *folder, fromPath string, to []string) error {
	from, err := splitPath(fromPath)
	if err != nil {
		return err
	}
	if len(to) >= len(from) && slices.Equal(to[:len(from)], from) {
		return fmt.Errorf("%w: %s cannot move into itself", ErrConflict, fromPath)
	}
	chain, err := r.descend(root, to, false)
	if err != nil {
		return err
	}
	if chain != nil {
		dest, name := chain[len(chain)-1], to[len(to)-1]
		if _, _, _, found, err := findEntry(dest.data, name, false); err != nil {
			return err
		} else if found || dest.subs[name] != nil {
			return fmt.Errorf("%w: %s", ErrConflict, strings.Join(to, "/"))
		}
	}
	got, err := r.take(root, from)
	if err != nil {
		return err
	}
	if got == (taken{}) {
		return fmt.Errorf("%w: %s", ErrNotFound, fromPath)
	}
	return r.place(root, to, got)
}

// taken is what was at a path: a file or a folder.
type taken struct {
	file Hash
	dir  *folder
}

// take removes what is at path, and the folders that became empty by it: git has none. Nothing there is the zero value.
func (r *Repo) take(root *folder, path []string) (taken, error) {
	chain, err := r.descend(root, path, false)
	if err != nil || chain == nil {
		return taken{}, err
	}
	parent, name := chain[len(chain)-1], path[len(path)-1]
	e, _, _, found, err := findEntry(parent.data, name, false)
	if err != nil {
		return taken{}, err
	}
	sub := parent.subs[name]
	if !found && sub == nil {
		return taken{}, nil
	}
	if sub == nil && e.dir {
		if sub, err = r.folderAt(e.hash); err != nil {
			return taken{}, err
		}
	}
	if err := parent.drop(name); err != nil {
		return taken{}, err
	}
	for i := len(chain) - 1; i > 0 && len(chain[i].data) == 0 && len(chain[i].subs) == 0; i-- {
		if err := chain[i-1].drop(path[i-1]); err != nil {
			return taken{}, err
		}
	}
	if sub != nil {
		return taken{dir: sub}, nil
	}
	return taken{file: e.hash}, nil
}

// drop forgets a file or sub-folder.
func (f *folder) drop(name string) error {
	delete(f.subs, name)
	e, _, _, found, err := findEntry(f.data, name, false)
	if err != nil || !found {
		return err
	}
	f.data, err = setEntry(f.data, name, e.dir, Hash{})
	return err
}

// place puts a file (replacing one) or a folder (nothing may be there) at path, making the folders above it.
func (r *Repo) place(root *folder, path []string, t taken) error {
	chain, err := r.descend(root, path, true)
	if err != nil {
		return err
	}
	parent, name := chain[len(chain)-1], path[len(path)-1]
	if t.dir != nil {
		parent.subs[name] = t.dir
		parent.touched = append(parent.touched, name)
		if t.dir.orig.IsZero() {
			return nil
		}
		parent.data, err = setEntry(parent.data, name, true, t.dir.orig)
		return err
	}
	if parent.subs[name] != nil {
		return fmt.Errorf("%w: %q is a folder", ErrConflict, name)
	}
	parent.data, err = setEntry(parent.data, name, false, t.file)
	return err
}

// descend opens the folders above the last component, root first. Without create it gives nil where one is missing.
func (r *Repo) descend(root *folder, path []string, create bool) ([]*folder, error) {
	chain := []*folder{root}
	for _, name := range path[:len(path)-1] {
		at := chain[len(chain)-1]
		sub := at.subs[name]
		if sub == nil {
			e, _, _, found, err := findEntry(at.data, name, true)
			switch {
			case err != nil:
				return nil, err
			case found && !e.dir:
				return nil, fmt.Errorf("%w: %q is a file", ErrConflict, name)
			case !found && !create:
				return nil, nil
			}
			if sub, err = r.folderAt(e.hash); err != nil {
				return nil, err
			}
			at.subs[name] = sub
		}
		at.touched = append(at.touched, name)
		chain = append(chain, sub)
	}
	return chain, nil
}

// settle writes every changed folder below and including f into the pack and names the result. The folder goes on from there with the
// next change of the group.
func (r *Repo) settle(f *folder, pack *packBuilder) (Hash, error) {
	slices.Sort(f.touched)
	for _, name := range slices.Compact(f.touched) {
		sub := f.subs[name]
		if sub == nil {
			continue
		}
		old := sub.orig
		h, err := r.settle(sub, pack)
		if err != nil {
			return Hash{}, err
		}
		if h == old {
			continue // its entry is in place already
		}
		if f.data, err = setEntry(f.data, name, true, h); err != nil {
			return Hash{}, err
		}
	}
	f.touched = f.touched[:0]
	if bytes.Equal(f.data, f.origData) && (!f.orig.IsZero() || len(f.data) == 0) {
		return firstHash(f.orig, emptyTree), nil
	}
	h := objectHash(kindTree, f.data)
	if pack.byHash[h] == nil { // one that an older pack has is written again: the next change of the group needs it here as a base
		pack.addTree(h, f.data, f.orig, f.origData)
	}
	r.trees.put(h, f.data)
	f.orig, f.origData = h, f.data
	return h, nil
}

func firstHash(a, b Hash) Hash {
	if a.IsZero() {
		return b
	}
	return a
}
