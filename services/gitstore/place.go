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
	"unicode"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// crowded is how many devices of a site lie side by side. A commit writes the folders above its file anew, so that they must stay small: further devices lie one level deeper, in
// 256 folders by the last two digits of their id. Nobody moves when a site becomes crowded: `git log -- path` would end there.
const crowded = 1000

var level = regexp.MustCompile(`^[0-9a-f]{2}$`)

// pathOf is where an artifact lies in git, and whether the device lies there already: beside what is known of it in the repository, while site and device keep their names. A
// new folder may have to be chosen otherwise (see place).
func pathOf(a *attempt, artifact string, now map[string]gitstoresql.Artifact) (at string, there bool) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		st := now[name]
		if st.Repository == a.repository() && isOwn(st, a.in) {
			return path.Join(path.Dir(st.Path), repo.SafeName(artifact)), true
		}
	}
	return foldersOf(a.in)[0] + "/" + repo.SafeName(artifact), false
}

// isOwn tells whether an artifact lies in a folder that its device may have under its present name.
func isOwn(st gitstoresql.Artifact, in *item) bool {
	folder, ok := strings.CutSuffix(st.Path, "/"+repo.SafeName(st.Name))
	if !ok {
		return false
	}
	folder = withoutLevel(folder)
	return folder == repo.SafeName(in.GetSiteName())+"/"+deviceFolder(in.GetDeviceName()) || slices.Contains(foldersOf(in), folder)
}

// foldersOf are those that a device may have, the plainest first: names as they are, then the device's with its mark, the site's, both.
func foldersOf(in *item) []string {
	var out []string
	for _, site := range []string{repo.SafeName(in.GetSiteName()), repo.FoldedName(in.GetSiteName())} {
		for _, device := range []string{deviceFolder(in.GetDeviceName()), repo.FoldedName(in.GetDeviceName())} {
			out = append(out, site+"/"+device)
		}
	}
	return out
}

// deviceFolder is a device's folder. One that is called like a level is marked, so that devices and levels never meet.
func deviceFolder(name string) string {
	if level.MatchString(name) {
		return repo.FoldedName(name)
	}
	return repo.SafeName(name)
}

// withoutLevel is a folder as it would be at a site that is not crowded.
func withoutLevel(folder string) string {
	parts := strings.Split(folder, "/")
	if len(parts) == 3 && level.MatchString(parts[1]) {
		return parts[0] + "/" + parts[2]
	}
	return folder
}

// place decides where a text lies, after those that were placed before it. What has a place stays there. Anything else gets one a level deeper where its site is crowded, and at
// which nothing lies that differs in case only, neither in the newest commit nor among what is written with it: a clone on a file system without case would lose one of the two.
func (k *packing) place(ctx context.Context, w *write) error {
	if !w.stays || w.old == nil || w.old.Repository != w.repository {
		if err := k.choose(ctx, w); err != nil {
			return err
		}
	}
	for p := range prefixes(w.path) {
		k.taken[folded(p)] = p
	}
	return nil
}

func (k *packing) choose(ctx context.Context, w *write) error {
	places, err := k.placesOf(ctx, w)
	if err != nil {
		return err
	}
	for _, p := range places {
		w.path = p
		if twin, err := k.twin(p); err != nil || twin == "" {
			return err
		}
	}
	return nil // all are taken: no two devices have the last one
}

// placesOf are where a text may lie, the best first: where its device lies already, the folder that it comes from in another repository (a twin may come along), any other.
func (k *packing) placesOf(ctx context.Context, w *write) ([]string, error) {
	folders := foldersOf(w.attempt.in)
	if w.old != nil {
		from := withoutLevel(strings.TrimSuffix(w.old.Path, "/"+repo.SafeName(w.text.in.GetName())))
		if i := slices.Index(folders, from); i > 0 {
			folders = slices.Insert(slices.Delete(folders, i, i+1), 0, from)
		}
	}
	var out []string
	if w.stays {
		out = append(out, w.path)
	}
	for _, f := range folders {
		site, device, _ := strings.Cut(f, "/")
		n, err := k.entries(ctx, site)
		if err != nil {
			return nil, err
		}
		if n >= crowded {
			site = fmt.Sprintf("%s/%02x", site, w.attempt.device[len(uuid.Nil)-1])
		}
		out = append(out, site+"/"+device+"/"+repo.SafeName(w.text.in.GetName()))
	}
	return out, nil
}

// entries counts what lies in a folder of the newest commit; 0 where there is none.
func (k *packing) entries(ctx context.Context, folder string) (int, error) {
	n, known := k.sizes[folder]
	if known || k.head.IsZero() {
		return n, nil
	}
	n, err := k.in.Entries(ctx, k.head, folder)
	if errors.Is(err, repo.ErrNotFound) {
		n, err = 0, nil
	}
	if err == nil {
		k.sizes[folder] = n
	}
	return n, err
}

// twin names what lies at a path, or on the way to it, but for case; empty where nothing does.
func (k *packing) twin(at string) (string, error) {
	for p := range prefixes(at) {
		if other, ok := k.taken[folded(p)]; ok && other != p {
			return other, nil
		}
	}
	return k.in.FoldTwin(k.head, at)
}

// prefixes are the folders of a path, and itself.
func prefixes(whole string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range whole {
			if c == '/' && !yield(whole[:i]) {
				return
			}
		}
		yield(whole)
	}
}

// folded is the same for names that differ in case only, as strings.EqualFold has it.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}
