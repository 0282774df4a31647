package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

const (
	defaultHours = 24
	maxHours     = 10 * 365 * 24
)

// GetCoverage answers which devices lack a backup.
func (s *Service) GetCoverage(ctx context.Context, in *inventoryv1.GetCoverageRequest) (*inventoryv1.Coverage, error) {
	hours := in.GetHours()
	if hours == 0 {
		hours = defaultHours
	}
	if hours < 1 || hours > maxHours {
		return nil, errs.Invalid("hours", "OUT_OF_RANGE", "must be 1 to 87600")
	}
	p := inventorysql.ListUncoveredParams{Since: s.since(hours), PageSize: page.Size(in.GetPageSize())}
	parts, err := page.Parse(in.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		if p.AfterBackup, p.AfterID, err = coveragePlace(parts); err != nil {
			return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
		}
	}
	out, err := s.store.coverage(ctx, p)
	if err == nil {
		out.Hours = hours
	}
	return out, err
}

func (s *Service) since(hours int32) time.Time { return s.now().Add(-time.Duration(hours) * time.Hour) }

// coveragePlace reads where a page ended. A device that never had a backup has no time.
func coveragePlace(parts []string) (backup *time.Time, id uuid.UUID, err error) {
	if parts[0] != "" {
		at, err := time.Parse(time.RFC3339Nano, parts[0])
		if err != nil {
			return nil, id, err
		}
		backup = &at
	}
	id, err = uuid.Parse(parts[1])
	return backup, id, err
}

func (s *store) coverage(ctx context.Context, p inventorysql.ListUncoveredParams) (*inventoryv1.Coverage, error) {
	n, err := s.q.CountCoverage(ctx, p.Since)
	if err != nil {
		return nil, err
	}
	rows, err := s.q.ListUncovered(ctx, p)
	out := &inventoryv1.Coverage{Devices: n.Devices, Missing: n.Missing, Never: n.Never}
	for _, r := range rows {
		out.Items = append(out.Items, &inventoryv1.Coverage_Item{DeviceId: r.ID.String(), DeviceName: r.Name, Platform: r.Platform,
			SiteId: r.SiteID.String(), SiteName: r.SiteName, LastBackupAt: timeOf(r.LastBackupAt)})
	}
	if len(rows) == int(p.PageSize) {
		last := rows[len(rows)-1]
		at := ""
		if last.LastBackupAt != nil {
			at = last.LastBackupAt.Format(time.RFC3339Nano)
		}
		out.NextPageToken = page.Token(at, last.ID.String())
	}
	return out, err
}
