package inventory

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
)

// observations are what attempts found, one of a device, turned on their side as unnest wants them. Rows are in the order of their ids, so that two
// calls cannot wait for each other.
type observations struct {
	facts inventorysql.RecordObservationsParams
	keys  inventorysql.ObserveHostKeysParams
}

func observationsOf(newest map[string]*inventoryv1.ReportObservationsRequest_Item) observations {
	var all observations
	facts, keys := &all.facts, &all.keys
	ids := make([]string, 0, len(newest))
	for id := range newest {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, text := range ids {
		o, id := newest[text], uuid.MustParse(text)
		at := o.GetObservedAt().AsTime()
		facts.Ids, facts.Times = append(facts.Ids, id), append(facts.Times, at)
		facts.Serials = append(facts.Serials, factOf(o, "serial"))
		facts.Models = append(facts.Models, factOf(o, "model"))
		facts.OsVersions = append(facts.OsVersions, factOf(o, "version"))
		facts.Hostnames = append(facts.Hostnames, factOf(o, "hostname"))
		facts.Seen, facts.BackedUp = append(facts.Seen, o.GetSeen()), append(facts.BackedUp, o.GetBackedUp())
		if k := o.GetHostKey(); len(k) > 0 {
			keys.DeviceIds, keys.Keys, keys.Times = append(keys.DeviceIds, id), append(keys.Keys, k), append(keys.Times, at)
			keys.Fingerprints, keys.Algorithms = append(keys.Fingerprints, fingerprint(k)), append(keys.Algorithms, algorithmOf(k))
			keys.Pins = append(keys.Pins, o.GetHostKeyPinned())
		}
	}
	return all
}

// news are the observed keys that are not accepted. It blocks on one query, and on none where no key was shown.
func (s *store) news(ctx context.Context, all observations) ([]inventorysql.HostKeyNewsRow, error) {
	if len(all.keys.DeviceIds) == 0 {
		return nil, nil
	}
	return s.q.HostKeyNews(ctx, inventorysql.HostKeyNewsParams{DeviceIds: all.keys.DeviceIds, Fingerprints: all.keys.Fingerprints})
}

// record writes observations in one transaction, and closes the windows of the devices that were replaced. Those are locked first: of two keys that come
// at once only one may be the new one.
func (s *store) record(ctx context.Context, all observations, replaced []uuid.UUID) error {
	return s.tx(ctx, func(q *inventorysql.Queries) error {
		if len(replaced) > 0 {
			if err := q.LockWindows(ctx, replaced); err != nil {
				return err
			}
		}
		if err := q.RecordObservations(ctx, all.facts); err != nil {
			return err
		}
		if len(all.keys.DeviceIds) == 0 {
			return nil
		}
		if err := q.ObserveHostKeys(ctx, all.keys); err != nil || len(replaced) == 0 {
			return err
		}
		return q.CloseHostKeyWindows(ctx, replaced)
	})
}

// algorithmOf reads the first string of a key in SSH wire format.
func algorithmOf(key []byte) string {
	if len(key) < 4 {
		return "unknown"
	}
	n := binary.BigEndian.Uint32(key)
	if n == 0 || n > 64 || int(n) > len(key)-4 {
		return "unknown"
	}
	return string(key[4 : 4+n])
}
