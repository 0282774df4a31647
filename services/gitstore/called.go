package gitstore

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// isCalled tells whether the device that a file in git is of is called NAME or SITE/NAME: as people call it, or as its folder is called. Names may have slashes of their own.
func isCalled(file, name string) bool {
	folder := path.Dir(file)
	device := path.Base(folder)
	if file == "" || isFolderOf(device, name) {
		return file != ""
	}
	at, _, _ := strings.Cut(folder, "/") // in a crowded site a level lies between the two
	for i, c := range name {
		if c == '/' && isFolderOf(at, name[:i]) && isFolderOf(device, name[i+1:]) {
			return true
		}
	}
	return false
}

func isFolderOf(folder, name string) bool {
	for _, n := range []string{name, repo.SafeName(name), repo.FoldedName(name)} {
		if strings.EqualFold(folder, n) {
			return true
		}
	}
	return false
}

// notOne says which devices a name may mean, by their ids and folders. Two may have lain at one place, one after the other.
func notOne(name string, found map[string]string) error {
	if len(found) == 0 {
		return fmt.Errorf("no device of the history is called %q: say NAME, SITE/NAME or its id", name)
	}
	var which []string
	for _, id := range slices.Sorted(maps.Keys(found)) {
		which = append(which, id+" ("+found[id]+")")
	}
	return fmt.Errorf("%d devices of the history are called %q; name one by its id: %s", len(found), name, strings.Join(which, ", "))
}
