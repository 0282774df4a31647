package inventory

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
)

func (s *store) resolve(ctx context.Context, p inventorysql.ResolveSelectionParams) ([]*inventoryv1.ResolveSelectionResponse_Item, error) {
	rows, err := s.q.ResolveSelection(ctx, p)
	items := make([]*inventoryv1.ResolveSelectionResponse_Item, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.ResolveSelectionResponse_Item{DeviceId: r.ID.String(), DeviceName: r.Name, SiteId: r.SiteID.String(),
			GatewayId: r.GatewayID.String(), Platform: r.Platform, Tags: r.Tags})
	}
	return items, err
}

func (s *store) targets(ctx context.Context, ids []uuid.UUID) ([]*inventoryv1.Target, error) {
	rows, err := s.q.GetTargets(ctx, ids)
	items := make([]*inventoryv1.Target, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.Target{DeviceId: r.ID.String(), DeviceName: r.Name, SiteId: r.SiteID.String(), SiteName: r.SiteName,
			GatewayId: r.GatewayID.String(), Address: r.Address, Port: r.Port, Platform: r.Platform, HostKeys: r.HostKeys, Tags: r.Tags,
			Ssh:     sshOf(r.Legacy, r.HostKeyPolicy, r.Newline, r.TerminalColumns, r.TerminalRows, r.KeepaliveSeconds),
			HostCas: authoritiesOf(r.HostKeyCa)})
	}
	return items, err
}

func (s *store) putPage(ctx context.Context, digest, platform string, page []byte, now time.Time) error {
	return s.q.PutPage(ctx, inventorysql.PutPageParams{Digest: digest, Platform: platform, Page: page, CreatedAt: now})
}

// record writes one observation a device, in one transaction of two statements. Rows are taken in the order of their ids, so that two calls cannot wait for
// each other.
func (s *store) record(ctx context.Context, newest map[string]*inventoryv1.ReportObservationsRequest_Item) error {
	var facts inventorysql.RecordObservationsParams
	var keys inventorysql.ObserveHostKeysParams
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
		facts.Seen, facts.BackedUp = append(facts.Seen, o.GetSeen()), append(facts.BackedUp, o.GetBackedUp())
		if k := o.GetHostKey(); len(k) > 0 {
			keys.DeviceIds, keys.Keys, keys.Times = append(keys.DeviceIds, id), append(keys.Keys, k), append(keys.Times, at)
			keys.Fingerprints, keys.Algorithms = append(keys.Fingerprints, fingerprint(k)), append(keys.Algorithms, algorithmOf(k))
			keys.Pins = append(keys.Pins, o.GetHostKeyPinned())
		}
	}
	return s.tx(ctx, func(q *inventorysql.Queries) error {
		if err := q.RecordObservations(ctx, facts); err != nil {
			return err
		}
		if len(keys.DeviceIds) == 0 {
			return nil
		}
		return q.ObserveHostKeys(ctx, keys)
	})
}

const maxFact = 200

// factOf is a fact as a device told it, made safe for a text column.
func factOf(o *inventoryv1.ReportObservationsRequest_Item, name string) string {
	clean := make([]rune, 0, maxFact)
	for _, r := range o.GetFacts()[name] {
		if r >= ' ' && r != 0x7f && len(clean) < maxFact {
			clean = append(clean, r)
		}
	}
	return string(clean)
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
