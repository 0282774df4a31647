package gitstore

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

const (
	// adoptRetry comes after a failure: vault may start later than gitstore.
	adoptRetry = 5 * time.Second
	// adoptBatch is what vault takes at once.
	adoptBatch = 1000
)

// dataKeys answers devices' data keys. Vault makes those that it lacks, and a new one in place of one that a restored mirror brought would open none of its originals and
// be written over the right one in the mirror: so it is given those first.
func (s *Service) dataKeys(ctx context.Context, in *vaultv1.GetDataKeysRequest) (*vaultv1.GetDataKeysResponse, error) {
	if err := s.adoptKeys(ctx); err != nil {
		return nil, err
	}
	return s.vault.GetDataKeys(ctx, in)
}

// adoptKeys gives vault the data keys that a restored mirror brought, once, and takes away what Restore left. The index has its originals already.
func (s *Service) adoptKeys(ctx context.Context) error {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	if s.restored == nil {
		return nil
	}
	items, err := s.keysOf(ctx, s.restored)
	if err != nil {
		return err
	}
	refused := 0
	for batch := range slices.Chunk(items, adoptBatch) {
		out, err := s.vault.AdoptDataKeys(ctx, &vaultv1.AdoptDataKeysRequest{Items: batch})
		if err != nil {
			return err
		}
		refused += len(out.GetRefused())
	}
	if refused > 0 {
		s.log.Error("originals of the restored mirror cannot be opened here: their keys are under another key-encryption key. Keep that mirror as it is: its recovery key opens them",
			"devices", refused)
	}
	if err := s.restored.done(); err != nil {
		return err
	}
	s.restored = nil
	return nil
}

// adoptSoon does so at the start, before devices get keys anew.
func (s *Service) adoptSoon(ctx context.Context) {
	for said := false; ; said = true {
		err := s.adoptKeys(ctx)
		if err == nil {
			return
		}
		if !said && ctx.Err() == nil {
			s.log.Error("vault cannot be given the keys that the restored mirror brought; it is tried again every few seconds, and originals wait for it", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(adoptRetry):
		}
	}
}

// keysOf answers the data keys of the devices whose originals came from here, as they were when the mirror was last written. Others are not asked for: a device whose key was
// destroyed before the mirror followed must not have it back.
func (s *Service) keysOf(ctx context.Context, r *restored) ([]*vaultv1.AdoptDataKeysRequest_Item, error) {
	var items []*vaultv1.AdoptDataKeysRequest_Item
	at := map[string]int{}
	var batch []*gitstorev1.MirroredOriginal
	take := func() error {
		held, err := s.store.heldOriginals(ctx, batch)
		for _, o := range batch {
			if !held[o.GetRevisionId()] {
				continue
			}
			i, ok := at[o.GetDeviceId()]
			if !ok {
				i, items = len(items), append(items, &vaultv1.AdoptDataKeysRequest_Item{DeviceId: o.GetDeviceId()})
				at[o.GetDeviceId()] = i
			}
			items[i].Sealed, items[i].RecoveryWrapped = o.GetDataKey(), o.GetRecoveryWrapped()
		}
		batch = batch[:0]
		return err
	}
	for _, name := range r.files {
		err := eachFrame(filepath.Join(r.dir, name), func(_ int64, o *gitstorev1.MirroredOriginal) error {
			o.Sealed = nil // only what tells of it is kept
			if batch = append(batch, o); len(batch) < adoptBatch {
				return nil
			}
			return take()
		})
		if err != nil {
			return nil, err
		}
	}
	return items, take()
}
