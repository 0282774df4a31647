package gitstore

import (
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/page"
)

// Lists are in the order of ids, which have the time at which they were made. A row that only git knows gets an id as it would have had: between those of its device's rows before and after.

// date gives a row such an id: its time is that of the commit, or just after the device's row before. One that keeps the index's has the time of that.
func (f *found) date(row *gitstoresql.CreateRevisionsParams) {
	when := row.CreatedAt
	if id, ok := f.kept[madeKey{key{row.TaskID, row.Fence}, row.Artifact}]; ok {
		row.ID = id
		return
	}
	if next := f.newest(row.DeviceID).Add(time.Millisecond); when.Before(next) {
		when = next
	}
	first := page.FirstID(when)
	copy(row.ID[:6], first[:6]) // the rest is as random as before
}

// newest is the time in the newest id of a device; zero: it has none.
func (f *found) newest(device uuid.UUID) (t time.Time) {
	if t, ok := f.last[device]; ok {
		return t
	}
	for _, st := range f.before[device] {
		if at := timeOf(st.RevisionID); at.After(t) {
			t = at
		}
	}
	return t
}

// timeOf is the time in an id.
func timeOf(id uuid.UUID) time.Time { return time.Unix(id.Time().UnixTime()) }
