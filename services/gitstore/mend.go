package gitstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// errNoMirror is what keeps a damaged pack from being made good.
var errNoMirror = errors.New("there is no mirror to take it from; put back this file from a backup of the data folder, with serve stopped, and see docs/backup.md")

// damaged has a pack made good, and says what came of it. The error is that of ctx only: a pass goes on.
func (v *verifier) damaged(ctx context.Context, r *bare, d *repo.DamageError) error {
	v.mending.Lock()
	defer v.mending.Unlock()
	how, err := v.mend(ctx, r, d.Pack)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		v.whole(packIn(r.name, d.Pack))
		v.mended.Inc()
		v.s.log.Warn("a pack of the history was damaged and is whole again", "repository", r.name, "pack", d.Pack, "how", how, "damage", d.Err,
			"kept", filepath.Join(r.Dir(), "damaged"))
		return v.save()
	}
	if v.note(r, d.Pack, d.Err.Error()+"; "+err.Error()) {
		v.s.log.Error("a pack of the history is damaged: what is in it alone cannot be read", "repository", r.name, "pack", d.Pack, "damage", d.Err, "err", err)
	}
	return v.save()
}

// mend makes a damaged pack good: from its own bytes if only the index is damaged, by the other packs if they hold all of it, or from the mirror. What was damaged is kept aside.
func (v *verifier) mend(ctx context.Context, r *bare, pack string) (how string, err error) {
	if r.ReplacePack(ctx, pack, r.CopyPack(pack)) == nil {
		return "its index was made again", nil
	}
	if r.SetAside(pack) == nil {
		return "other packs hold all of it", nil
	}
	m := v.s.mirror
	if m == nil {
		return "", errNoMirror
	}
	manifest, err := m.manifest(ctx)
	if err != nil {
		return "", fmt.Errorf("the mirror %s: %w", m.to, err)
	}
	packs, err := v.packsOf(ctx, manifest, r)
	if err != nil {
		return "", err
	}
	for _, f := range packs {
		if f.Name == mirror.Pack(r.name, pack) {
			return "from the mirror", v.fetch(ctx, r, f)
		}
	}
	// The mirror has not got it yet, but what it was folded of.
	if err := v.fetchMissing(ctx, r, manifest); err != nil {
		return "", err
	}
	return "from packs of the mirror that hold all of it", r.SetAside(pack)
}

// packsOf are the packs that a mirror has of a repository; none while it has not followed an erasure: what was erased must not come back.
func (v *verifier) packsOf(ctx context.Context, manifest *mirror.Manifest, r *bare) ([]mirror.File, error) {
	for _, x := range manifest.Repositories {
		if x.Name != r.name {
			continue
		}
		at, err := repo.ParseHash(x.Head)
		if err != nil {
			return nil, err
		}
		erased, err := v.s.store.wasErased(ctx, r.name, at)
		if err != nil || erased {
			return nil, err
		}
		return x.Packs, nil
	}
	return nil, nil
}

// fetchMissing brings the packs of a repository that the mirror has and that are not here.
func (v *verifier) fetchMissing(ctx context.Context, r *bare, manifest *mirror.Manifest) error {
	have, err := r.PackFiles()
	if err != nil {
		return err
	}
	here := map[string]bool{}
	for _, file := range have {
		here[mirror.Pack(r.name, file)] = true
	}
	packs, err := v.packsOf(ctx, manifest, r)
	if err != nil {
		return err
	}
	for _, f := range packs {
		if here[f.Name] {
			continue
		}
		if err := v.fetch(ctx, r, f); err != nil {
			return err
		}
		v.s.log.Warn("a pack of the history was not here and is back from the mirror", "repository", r.name, "pack", filepath.Base(f.Name))
	}
	return nil
}

// follow is followHeads, with the mirror's packs where it fails for lack of some here.
func (v *verifier) follow(ctx context.Context) error {
	err := v.s.followHeads(ctx)
	if v.s.mirror == nil || !broken(err) {
		return err
	}
	manifest, failed := v.s.mirror.manifest(ctx)
	for _, r := range v.s.repos.all() {
		if failed == nil {
			failed = v.fetchMissing(ctx, r, manifest)
		}
	}
	if failed != nil {
		return errors.Join(err, failed)
	}
	return v.s.followHeads(ctx)
}

// fetch puts a pack of the mirror in its place here.
func (v *verifier) fetch(ctx context.Context, r *bare, f mirror.File) error {
	return r.ReplacePack(ctx, filepath.Base(f.Name), func(ctx context.Context, file string) error { return mirror.Download(ctx, v.s.mirror.to, f, file) })
}

// damagedNow are the packs of a repository that are known to be damaged, by whomever. A nil verifier: nobody looks.
func (v *verifier) damagedNow(r *bare) []string {
	if v == nil {
		return nil
	}
	var out []string
	for _, x := range v.known() {
		if name, pack := x.split(); name == r.name {
			out = append(out, pack)
		}
	}
	for pack := range r.Damaged() {
		out = append(out, pack)
	}
	return out
}

// mendAll makes good what keeps the service from starting.
func (v *verifier) mendAll(ctx context.Context) error {
	for _, r := range v.s.repos.all() {
		for pack, err := range r.Damaged() {
			if err := v.damaged(ctx, r, &repo.DamageError{Pack: pack, Err: err}); err != nil {
				return err
			}
		}
	}
	return nil
}

// explainDamage tells people what they cannot read and why, and has it looked at. Any other error stays as it is.
func (s *Service) explainDamage(repository string, err error) error {
	var damage *repo.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	s.verify.suspect(packIn(repository, damage.Pack))
	return errs.New(codes.DataLoss, "HISTORY_DAMAGED", "%s of the repository %s is damaged, and this text is in it alone; it is read from the mirror again where there is one, "+
		"otherwise put the file back from a backup of the data folder", damage.Pack, repository).Wrap(err)
}
