package page

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// FirstID is the lowest UUIDv7 that can be made at a moment: rows whose ids are made when they are written are in the order of time, and those
// of a time are a range of the key.
func FirstID(at time.Time) (id uuid.UUID) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(at.UnixMilli(), 0))<<16) //nolint:gosec // not negative
	copy(id[:6], b[:6])
	return id
}
