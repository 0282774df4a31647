package gitstore

import (
	"context"
	"errors"
	"slices"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// stillCovered are the artifacts that others cover once all that there is of the devices is gone. One that a device to erase lay upon is there again, if the history that was made again has it.
func (e *eraser) stillCovered(ctx context.Context) (gitstoresql.CorrectCoveredParams, error) {
	var still gitstoresql.CorrectCoveredParams
	covered, goes := map[filed][]gitstoresql.CompareArtifactsRow{}, map[filed]bool{}
	for after := (place{}); ; {
		page, err := e.store.compareArtifacts(ctx, after)
		if err != nil {
			return still, err
		}
		if len(page) == 0 {
			break
		}
		for _, a := range page {
			switch at := (filed{a.Repository, a.Path}); {
			case slices.Contains(e.devices, a.DeviceID):
				goes[at] = true
			case a.Covered:
				covered[at] = append(covered[at], a)
			}
			after = place{a.DeviceID, a.Name}
		}
	}
	for at, lie := range covered {
		if goes[at] && len(lie) == 1 {
			there, err := e.parts[at.repository].has(ctx, at.path, lie[0].Blob)
			if err != nil {
				return still, err
			}
			if there {
				continue
			}
		}
		for _, a := range lie {
			still.DeviceIds, still.Names = append(still.DeviceIds, a.DeviceID), append(still.Names, a.Name)
		}
	}
	return still, nil
}

// has tells whether a text lies somewhere in the newest commit, as it is made again.
func (p *erasedPart) has(ctx context.Context, path, blob string) (bool, error) {
	head := p.head
	if p.made != nil {
		head = p.made.Head
	}
	if head.IsZero() {
		return false, nil
	}
	h, err := p.in.Lookup(ctx, head, path)
	if errors.Is(err, repo.ErrNotFound) {
		return false, nil
	}
	return h.String() == blob, err
}
