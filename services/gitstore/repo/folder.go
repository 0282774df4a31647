package repo

import (
	"fmt"
	"maps"
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
	dest, name, err := r.descend(root, to, false)
	if err != nil {
		return err
	}
	if dest != nil {
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

// take removes what is at path and gives it; nothing there is the zero value.
func (r *Repo) take(root *folder, path []string) (taken, error) {
	parent, name, err := r.descend(root, path, false)
	if err != nil || parent == nil {
		return taken{}, err
	}
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
	delete(parent.subs, name)
	if found {
		if parent.data, err = setEntry(parent.data, name, e.dir, Hash{}); err != nil {
			return taken{}, err
		}
	}
	if sub != nil {
		return taken{dir: sub}, nil
	}
	return taken{file: e.hash}, nil
}

// place puts a file (replacing one) or a folder (nothing may be there) at path, making the folders above it.
func (r *Repo) place(root *folder, path []string, t taken) error {
	parent, name, err := r.descend(root, path, true)
	if err != nil {
		return err
	}
	if t.dir != nil {
		parent.subs[name] = t.dir
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

// descend opens the folders above the last component. Without create it gives nil where one is missing.
func (r *Repo) descend(root *folder, path []string, create bool) (*folder, string, error) {
	at := root
	for _, name := range path[:len(path)-1] {
		sub := at.subs[name]
		if sub == nil {
			e, _, _, found, err := findEntry(at.data, name, true)
			switch {
			case err != nil:
				return nil, "", err
			case found && !e.dir:
				return nil, "", fmt.Errorf("%w: %q is a file", ErrConflict, name)
			case !found && !create:
				return nil, "", nil
			}
			if sub, err = r.folderAt(e.hash); err != nil {
				return nil, "", err
			}
			at.subs[name] = sub
		}
		at = sub
	}
	return at, path[len(path)-1], nil
}

// settle writes every changed folder below and including f into the pack and names the result; empty folders vanish, as git has none.
func (r *Repo) settle(f *folder, pack *packBuilder) (Hash, error) {
	for _, name := range slices.Sorted(maps.Keys(f.subs)) {
		sub := f.subs[name]
		h, err := r.settle(sub, pack)
		if err != nil {
			return Hash{}, err
		}
		if h == emptyTree {
			h = Hash{}
		}
		if h == sub.orig && !h.IsZero() {
			continue // its entry is in place already
		}
		if f.data, err = setEntry(f.data, name, true, h); err != nil {
			return Hash{}, err
		}
	}
	h := objectHash(kindTree, f.data)
	if h == f.orig || h == emptyTree {
		return h, nil
	}
	r.keepTree(h, f, pack)
	return h, nil
}

// keepTree adds a folder to the pack unless the repository has it.
func (r *Repo) keepTree(h Hash, f *folder, pack *packBuilder) {
	r.trees.put(h, f.data)
	if pack.byHash[h] == nil && !r.packs.known(h) {
		pack.addTree(h, f.data, f.orig, f.origData)
	}
}
