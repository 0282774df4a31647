package gitstore

import (
	"slices"
	"strings"
	"unicode"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// place decides where the texts of a group lie. What has a place under its present names stays there; anything else gets one at which nothing lies that differs in case only, neither in the newest
// commit nor in the group: a clone on a file system without case would lose one of the two.
func (s *Service) place(head repo.Hash, writes []*write) error {
	taken := map[string]string{} // folded -> as it is, for every folder and file of the group
	for _, w := range writes {
		if err := s.placeOne(head, w, taken); err != nil {
			return err
		}
		for p := range prefixes(w.path) {
			taken[folded(p)] = p
		}
	}
	return nil
}

func (s *Service) placeOne(head repo.Hash, w *write, taken map[string]string) error {
	places := placesOf(w)
	if w.old != nil && (w.old.Path == w.path || slices.Contains(places, w.old.Path)) {
		w.path = w.old.Path
		return nil
	}
	for _, p := range places {
		w.path = p
		twin := ""
		for x := range prefixes(p) {
			if other, ok := taken[folded(x)]; ok && other != x {
				twin = other
			}
		}
		if twin == "" && !head.IsZero() {
			var err error
			if twin, err = s.repo.FoldTwin(head, p); err != nil {
				return err
			}
		}
		if twin == "" {
			return nil
		}
	}
	return nil // all are taken: no two devices have the last one
}

// placesOf are where a text may lie, the plainest first: names as they are, then the device's with its mark, the site's, both.
func placesOf(w *write) []string {
	in := w.attempt.in
	var out []string
	for _, site := range []string{repo.SafeName(in.GetSiteName()), repo.FoldedName(in.GetSiteName())} {
		for _, device := range []string{repo.SafeName(in.GetDeviceName()), repo.FoldedName(in.GetDeviceName())} {
			out = append(out, site+"/"+device+"/"+repo.SafeName(w.text.in.GetName()))
		}
	}
	return out
}

// prefixes are the folders of a path, and itself.
func prefixes(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i, c := range path {
			if c == '/' && !yield(path[:i]) {
				return
			}
		}
		yield(path)
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
