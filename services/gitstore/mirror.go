package gitstore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// mirrorPause lets the commits of a busy night go together; mirrorRetry comes after a failure, mirrorLook when nobody said that something changed.
	mirrorPause = 2 * time.Second
	mirrorRetry = time.Minute
	mirrorLook  = 10 * time.Minute
)

// MirrorKey is the key that signs the manifests of an installation's mirror.
func MirrorKey(key *keyfile.Key) (ed25519.PrivateKey, error) {
	seed, err := key.Derive("netraven mirror signature v1")
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// MirrorPublicKey is what its manifests are checked with.
func MirrorPublicKey(key *keyfile.Key) (ed25519.PublicKey, error) {
	private, err := MirrorKey(key)
	if err != nil {
		return nil, err
	}
	public, _ := private.Public().(ed25519.PublicKey)
	return public, nil
}

// mirroring brings the history to another place, round by round. Backups never wait for it.
type mirroring struct {
	s    *Service
	to   mirror.Store
	key  ed25519.PrivateKey
	tmp  string
	wake chan struct{}
	state
	// last is the manifest in the mirror as this process wrote it; nil: it must be read, and the objects looked over.
	last *mirror.Manifest
}

func newMirroring(s *Service, cfg Config, d Deps) (*mirroring, error) {
	if cfg.Mirror == "" {
		return nil, nil //nolint:nilnil // no mirror
	}
	if d.Key == nil {
		return nil, errors.New("gitstore: the mirror needs a key to sign with")
	}
	key, err := MirrorKey(d.Key)
	if err != nil {
		return nil, err
	}
	to, err := mirror.Open(cfg.Mirror)
	if err != nil {
		return nil, err
	}
	m := &mirroring{s: s, to: to, key: key, tmp: filepath.Join(cfg.Dir, "mirror.tmp"), wake: make(chan struct{}, 1)}
	m.now = s.now
	if err := os.RemoveAll(m.tmp); err != nil { // left by a process that was killed
		return nil, err
	}
	m.changed() // what changed before this start is not known
	return m, m.register(d.Metrics)
}

// changed is told after each commit. Nil: there is no mirror.
func (m *mirroring) changed() {
	if m == nil {
		return
	}
	m.pend()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run mirrors until ctx ends.
func (m *mirroring) run(ctx context.Context) {
	if m == nil {
		return
	}
	m.s.log.Info("the history is mirrored", "to", m.to.String(), "public_key", fmt.Sprintf("%x", m.key.Public()))
	behind(ctx, m.wake, mirrorPause, func(ctx context.Context) (next time.Duration, deaf bool) {
		if err := m.once(ctx); err != nil && ctx.Err() == nil {
			m.s.log.Error("the mirror is behind; it is tried again in a minute", "to", m.to.String(), "behind", m.lag().Round(time.Second), "err", err)
			return mirrorRetry, true
		}
		return mirrorLook, false
	})
}

// once is one round with its bookkeeping.
func (m *mirroring) once(ctx context.Context) error {
	m.begin()
	err := m.round(ctx)
	m.end(err)
	if err != nil {
		m.last = nil // whatever the mirror holds now is read again
	}
	return err
}

// round brings the mirror to what is true now: new packs and originals first, then the manifest that names them, then away with what no manifest names.
func (m *mirroring) round(ctx context.Context) error {
	heads, change, err := m.s.store.heads(ctx)
	if err != nil {
		return err
	}
	old, fresh, err := m.previous(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(heads, func(_ string, head repo.Hash) bool { return head.IsZero() })
	if len(heads) == 0 && old == nil {
		return nil // nothing has happened yet
	}
	if err := m.mustContinue(ctx, old, heads); err != nil {
		return err
	}
	have := map[string]int64{}
	for _, f := range old.Files() {
		have[f.Name] = f.Size
	}
	if fresh && old != nil { // the first look since the start: what was left, damaged or lost since is made good
		if have, err = mirror.Sweep(ctx, m.to, old); err != nil {
			return err
		}
	}
	// Read after the point: what comes under a device's new key has a later change, and is not among what is taken away.
	devices, erased, until, err := m.s.store.forgottenSince(ctx, old.ForgottenUntil())
	if err != nil {
		return err
	}
	if !fresh && old != nil && sameHeads(old, heads) && old.Change == change && len(devices) == 0 && !erased {
		return nil
	}
	next := &mirror.Manifest{Format: mirror.Format, Generation: 1, MadeAt: m.s.now().UTC(), Change: change, Mark: uuid.NewString(), Forgotten: until.UTC()}
	if old != nil {
		next.Generation = old.Generation + 1
	}
	if next.Repositories, err = m.repositories(ctx, heads, old, have); err != nil {
		return err
	}
	if fresh && old != nil { // folded by a process before, or lost while nobody looked
		back, err := m.mustBeWhole(ctx, heads, old, next)
		if err != nil {
			return err
		}
		if back {
			if next.Repositories, err = m.repositories(ctx, heads, old, have); err != nil {
				return err
			}
		}
	}
	rest, err := m.without(ctx, old, have, devices, erased)
	if err != nil {
		return err
	}
	if next.Originals, err = m.originals(ctx, rest, have, change); err != nil {
		return err
	}
	if err := m.s.store.willWriteManifest(ctx, old, next); err != nil {
		return err
	}
	if err := mirror.Write(ctx, m.to, next, m.key); err != nil {
		return err
	}
	m.last = next
	switch {
	case len(devices) > 0 || erased: // what was destroyed on purpose goes at once, though somebody may be reading by the manifest before
		_, err = mirror.Sweep(ctx, m.to, next)
	case dropped(old, next):
		_, err = mirror.Sweep(ctx, m.to, old, next)
	}
	return err
}

// previous is the manifest in the mirror; fresh says that another process wrote it. It is read each time: two nodes may believe to be the one.
func (m *mirroring) previous(ctx context.Context) (old *mirror.Manifest, fresh bool, err error) {
	old, err = m.manifest(ctx)
	if errors.Is(err, mirror.ErrMissing) {
		return nil, true, nil
	}
	if err != nil {
		return nil, true, err
	}
	return old, m.last == nil || old.Generation != m.last.Generation || !old.MadeAt.Equal(m.last.MadeAt), nil
}

// manifest is the one in the mirror. mirror.ErrMissing when there is none.
func (m *mirroring) manifest(ctx context.Context) (*mirror.Manifest, error) {
	public, _ := m.key.Public().(ed25519.PublicKey)
	return mirror.Read(ctx, m.to, public)
}

// mustContinue refuses to replace a mirror that knows more than we do: a new node with an empty history must not erase the only copy.
func (m *mirroring) mustContinue(ctx context.Context, old *mirror.Manifest, heads map[string]repo.Hash) error {
	if old == nil {
		return nil
	}
	for _, r := range old.Repositories {
		at, err := repo.ParseHash(r.Head)
		if err != nil {
			return err
		}
		known := at == heads[r.Name] // though it may be lost here
		if ours, err := m.s.repos.get(r.Name); err == nil && !known && !heads[r.Name].IsZero() {
			if known, err = ours.Has(at); err == nil && !known { // erased on purpose: the row in the database says so, and what comes is signed
				known, err = m.s.store.wasErased(ctx, r.Name, at)
			}
			if err != nil {
				return err
			}
		}
		if !known {
			return fmt.Errorf("the mirror has the commit %s of the repository %s, which this history lacks, so it is left as it is: restore from it "+
				"(netraven gitstore restore), or mirror to an empty place", at, r.Name)
		}
	}
	return nil
}

// sameHeads tells whether a manifest has just these.
func sameHeads(old *mirror.Manifest, heads map[string]repo.Hash) bool {
	for _, r := range old.Repositories {
		if heads[r.Name].String() != r.Head {
			return false
		}
	}
	return len(old.Repositories) == len(heads)
}

// scratch is a file for a segment on its way.
func (m *mirroring) scratch() (*os.File, error) {
	if err := os.MkdirAll(m.tmp, 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(m.tmp, "segment-*")
}
