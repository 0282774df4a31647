package gitstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// crowded is how many devices of a site lie side by side. A commit writes the folders above its file anew, so that they must stay small: further devices lie one level deeper, in
// 256 folders by the last two digits of their id. Nobody moves when a site becomes crowded: `git log -- path` would end there.
const crowded = 1000

var level = regexp.MustCompile(`^[0-9a-f]{2}$`)

// pathOf is where an artifact lies in git, and whether the device lies there already: beside what is known of it in the repository, while site and device keep their names. A
// new folder may have to be chosen otherwise (see findPlace).
func pathOf(a *attempt, artifact string, now map[string]gitstoresql.Artifact) (at string, there bool) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		st := now[name]
		folder, ok := strings.CutSuffix(st.Path, "/"+repo.SafeName(st.Name))
		if ok && st.Repository == a.repository() && isFolderOf(folder, a.in) {
			return folder + "/" + repo.SafeName(artifact), true
		}
	}
	return repo.SafeName(a.in.GetSiteName()) + "/" + deviceFolder(a.in.GetDeviceName()) + "/" + repo.SafeName(artifact), false
}

// isFolderOf tells whether a folder is one that the device may have.
func isFolderOf(folder string, in *item) bool {
	parts := strings.Split(folder, "/")
	if len(parts) == 3 && level.MatchString(parts[1]) {
		parts = []string{parts[0], parts[2]}
	}
	return len(parts) == 2 && parts[0] == repo.SafeName(in.GetSiteName()) && (parts[1] == deviceFolder(in.GetDeviceName()) || parts[1] == repo.FoldedName(in.GetDeviceName()))
}

// deviceFolder is a device's folder. One that is called like a level is marked, so that devices and levels never meet.
func deviceFolder(name string) string {
	if level.MatchString(name) {
		return repo.FoldedName(name)
	}
	return repo.SafeName(name)
}

// findPlace gives what comes to a new folder another path where its site is crowded, and what is new in its repository one where something lies that differs in case only: a
// clone on a file system without case would lose one of them.
func findPlace(ctx context.Context, here *packing, w *write) error {
	if w.stays {
		return nil
	}
	site, rest, _ := strings.Cut(w.path, "/")
	n, err := here.entries(ctx, site)
	if err != nil {
		return err
	}
	if n >= crowded {
		site = fmt.Sprintf("%s/%02x", site, w.attempt.device[len(uuid.Nil)-1])
		w.path = site + "/" + rest
	}
	if w.old != nil && w.old.Repository == w.repository {
		return nil
	}
	marked := repo.FoldedName(w.attempt.in.GetDeviceName())
	other := site + "/" + marked + "/" + repo.SafeName(w.text.in.GetName())
	if w.old != nil && path.Base(path.Dir(w.old.Path)) == marked { // it had a twin where it comes from, which may come along
		w.path = other
		return nil
	}
	twin, err := here.twin(w.path)
	if err == nil && twin != "" {
		w.path = other
	}
	return err
}

// entries counts what lies in a folder; 0 where there is none.
func (k *packing) entries(ctx context.Context, folder string) (int, error) {
	if k.head.IsZero() {
		return 0, nil
	}
	n, err := k.in.Entries(ctx, k.head, folder)
	if errors.Is(err, repo.ErrNotFound) {
		return 0, nil
	}
	return n, err
}

// twin names what lies at a path but for case; empty where nothing does.
func (k *packing) twin(at string) (string, error) {
	if k.head.IsZero() {
		return "", nil
	}
	twin, err := k.in.FoldTwin(k.head, at)
	if errors.Is(err, repo.ErrNotFound) {
		return "", nil
	}
	return twin, err
}
