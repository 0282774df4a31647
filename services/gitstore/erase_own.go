package gitstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// mustOwnTexts refuses where a text belongs to a device to erase and to one to keep: a device that was made anew under the name and with the text of another one has no commit of its
// own for it.
func (e *eraser) mustOwnTexts(ctx context.Context) error {
	if len(e.devices) == 0 {
		return nil
	}
	err := e.store.eachRevision(ctx, e.devices, func(r gitstoresql.RevisionsInOrderRow) error {
		p, h, err := e.find(r.Repository, r.Blob)
		if err != nil || p.holds[h] {
			return err
		}
		if _, holds, err := e.text(ctx, p, h); err != nil || !holds {
			return err
		}
		return shared(r.DeviceID, r.ID.String())
	})
	if err != nil {
		return err
	}
	others, err := e.store.revisionsElsewhere(ctx, e.changed, e.devices)
	if err != nil {
		return err
	}
	for _, r := range others {
		p, h, err := e.find(r.Repository, r.Blob)
		if err != nil {
			return err
		}
		if !p.holds[h] {
			continue
		}
		own, err := p.ownCommit(ctx, r.DeviceID, r.CommitHash, h)
		if err != nil {
			return err
		}
		if !own {
			return shared(r.DeviceID, r.ID.String())
		}
	}
	return nil
}

// newest names the artifacts whose newest text changes. Those that moved to another repository than their revision must own their text there too.
func (e *eraser) newest(ctx context.Context) error {
	rows, err := e.store.newestOf(ctx, e.changed)
	if err != nil {
		return err
	}
	for _, r := range rows {
		mine := len(e.devices) == 0 || slices.Contains(e.devices, r.DeviceID)
		if mine && !e.cfg.Whole {
			e.out.Newest = append(e.out.Newest, r.DeviceID.String()+"/"+r.Name)
		}
		if len(e.devices) == 0 || r.Repository == r.Committed {
			continue
		}
		p, h, err := e.find(r.Repository, r.Blob)
		if err != nil {
			return err
		}
		own := p.holds[h]
		if !mine && own {
			own, err = p.brought(ctx, r.DeviceID, h)
		} else if !mine {
			own = true // nobody touches it there
		}
		if err != nil {
			return err
		}
		if !own {
			return shared(r.DeviceID, r.Name)
		}
	}
	return nil
}

func shared(device uuid.UUID, what string) error {
	return fmt.Errorf("the revision %s of the device %s shares its text and its commit with another device: erase both together", what, device)
}

// find answers the repository and the text that a row names.
func (e *eraser) find(repository, blob string) (*erasedPart, repo.Hash, error) {
	h, err := repo.ParseHash(blob)
	p := e.parts[repository]
	if err == nil && p == nil {
		err = fmt.Errorf("there is no repository %q", repository)
	}
	return p, h, err
}
