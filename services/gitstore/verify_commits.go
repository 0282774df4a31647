package gitstore

import (
	"context"
	"fmt"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// commits walks from the heads back to the first commits: each can be read, with the folders that it changed, and the index has what it made.
func (v *verifier) commits(ctx context.Context) error {
	heads, _, err := v.s.store.heads(ctx)
	if err != nil {
		return err
	}
	text, _ := v.where()
	name, commit := inRepository(text).split()
	for _, r := range v.s.repos.all() {
		from := heads[r.name]
		if r.name < name {
			continue // done by a process before
		}
		if r.name == name {
			if from, err = repo.ParseHash(commit); err != nil {
				return err
			}
		}
		if err := v.commitsOf(ctx, r, from); err != nil {
			return err
		}
	}
	return nil
}

// commitsOf walks back in one repository.
func (v *verifier) commitsOf(ctx context.Context, r *bare, at repo.Hash) error {
	var origins []*origin
	for n := 0; !at.IsZero(); n++ {
		c, err := r.Commit(at)
		if broken(err) {
			v.tellWrong(Finding{Repository: r.name, Commit: at.String(), What: "the commit cannot be read, nor what came before it: " + err.Error()})
			break
		}
		if err != nil {
			return err
		}
		if err := v.readable(ctx, r, c); err != nil {
			return err
		}
		if o := originOf(c); o != nil {
			origins = append(origins, o)
		}
		if at = c.Parent; len(origins) >= verifyPage {
			if err := v.indexed(ctx, r, origins); err != nil {
				return err
			}
			origins = origins[:0]
			v.tell("commits", n, 0)
			if err := v.reach(string(packIn(r.name, at.String())), 0); err != nil {
				return err
			}
		}
		if v.pace != nil {
			if err := v.pace(ctx, 4*verifyStep); err != nil {
				return err
			}
		}
	}
	return v.indexed(ctx, r, origins)
}

// readable reads the folders that a commit changed, and finds its files.
func (v *verifier) readable(ctx context.Context, r *bare, c *repo.Commit) error {
	files, err := r.ChangedFiles(ctx, c)
	for _, f := range files {
		if err != nil || f.New.IsZero() {
			continue
		}
		var has bool
		if has, err = r.Has(f.New); err == nil && !has {
			err = fmt.Errorf("%w: %s", repo.ErrNotFound, f.Path)
		}
	}
	if broken(err) {
		v.tellWrong(Finding{Repository: r.name, Commit: c.Hash.String(), Device: c.Trailers.Get(repo.TrailerDevice), What: "what the commit changed cannot be read: " + err.Error()})
		return nil
	}
	return err
}

// indexed looks for the rows of commits of a repository. One that brought the text of a known revision has none: that one's row is the one to look for. Neither has one whose text a changed
// page made another later: the row names the later commit.
func (v *verifier) indexed(ctx context.Context, r *bare, origins []*origin) error {
	rows, err := v.s.store.revisionsOf(ctx, origins)
	if err != nil {
		return err
	}
	before, err := v.s.store.earlierOf(ctx, origins)
	if err != nil {
		return err
	}
	var lost []Finding
	var made []deviceMade
	for _, o := range origins {
		for _, a := range o.artifacts {
			h, ok := rows[committed{o.commit.Hash.String(), o.device, a.name}]
			if !ok && a.known() > 0 {
				if h, ok = before[numbered{o.device, a.name, a.known()}]; ok && h.fence >= o.fence {
					continue
				}
			}
			if ok && h.digest == a.digest {
				continue
			}
			what := "the index lacks what the commit made"
			if ok {
				what = "the index has another digest than the commit"
			}
			lost = append(lost, Finding{Repository: r.name, Commit: o.commit.Hash.String(), Device: o.device.String(), Artifact: a.name, What: what + "; netraven gitstore reindex makes it again"})
			made = append(made, deviceMade{o.device, madeKey{o.key(), a.name}})
		}
	}
	remasked, err := v.s.store.remaskedOf(ctx, made)
	for i, f := range lost {
		if remasked[made[i]].fence < made[i].fence {
			v.tellWrong(f)
		}
	}
	return err
}
