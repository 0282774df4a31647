package gitstore

import (
	"context"
	"errors"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// filed is a file in git.
type filed struct{ repository, path string }

// others says what must stay though a device leaves it, for it is, or becomes, somebody else's.
type others struct {
	// taken are files that a write of the same plan puts.
	taken map[filed]bool
	// states are the newest states that lie, or lay, at the files which devices leave; those of the devices that leave are among them.
	states map[filed][]gitstoresql.OthersAtPathsRow
}

// leave tells whether the file of a state may go. Where states share a file (the device was made anew under its old name, for one), it is the one's whose text it holds.
func (o others) leave(ctx context.Context, from *packing, old *gitstoresql.Artifact) (bool, error) {
	at := filed{old.Repository, old.Path}
	if o.taken[at] {
		return false, nil
	}
	if len(o.states[at]) < 2 {
		return true, nil
	}
	held, err := from.in.Lookup(ctx, from.head, old.Path)
	if errors.Is(err, repo.ErrNotFound) {
		return false, nil
	}
	if err != nil || held.String() != old.Blob {
		return false, err
	}
	for _, x := range o.states[at] {
		if (x.DeviceID != old.DeviceID || x.Name != old.Name) && x.Blob == old.Blob {
			return false, nil
		}
	}
	return true, nil
}
