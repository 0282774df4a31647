package inventory

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

// chunk is how many rows go into one transaction.
const chunk = 1000

// Results of a row.
const (
	rowCreated   = "created"
	rowUpdated   = "updated"
	rowDuplicate = "duplicate"
	rowError     = "error"
)

// importRow is one line of a file on its way in.
type importRow struct {
	out *inventoryv1.ImportDevicesResponse_Row
	dev device
	// given names the columns that the file has: others of an existing device stay as they are.
	given map[string]bool
}

// ImportDevices creates and updates devices from a file, in transactions of 1,000 rows.
func (s *Service) ImportDevices(ctx context.Context, in *inventoryv1.ImportDevicesRequest) (*inventoryv1.ImportDevicesResponse, error) {
	if f := in.GetFormat(); f != "" && f != "csv" {
		return nil, errs.New(codes.InvalidArgument, "FORMAT_UNKNOWN", "format %q is not known; use csv", f).Field("format", "FORMAT_UNKNOWN", "use csv")
	}
	lines, err := readCSV(in.GetData())
	if err != nil {
		return nil, err
	}
	places, err := s.store.places(ctx)
	if err != nil {
		return nil, err
	}
	if places.platforms, err = s.pages.now(ctx, s.store.q); err != nil {
		return nil, err
	}
	rows := make([]*importRow, 0, len(lines))
	seen := map[string]int32{}
	for _, l := range lines {
		r := readRow(l, places)
		key := r.dev.siteID.String() + "/" + strings.ToLower(r.dev.msg.GetName())
		if first, again := seen[key]; again && r.out.Result != rowError {
			fail(r, "name: line "+itoa(first)+" has the same name at the same site; keep one of them")
		} else if !again {
			seen[key] = r.out.GetLine()
		}
		rows = append(rows, r)
	}
	for start := 0; start < len(rows); start += chunk {
		if err := s.store.importChunk(ctx, rows[start:min(start+chunk, len(rows))], places.certified, in.GetDryRun(), s.now()); err != nil {
			return nil, err
		}
	}
	return summary(rows), nil
}

func summary(rows []*importRow) *inventoryv1.ImportDevicesResponse {
	out := &inventoryv1.ImportDevicesResponse{Rows: make([]*inventoryv1.ImportDevicesResponse_Row, 0, len(rows))}
	for _, r := range rows {
		out.Rows = append(out.Rows, r.out)
		switch r.out.GetResult() {
		case rowCreated:
			out.Created++
		case rowUpdated:
			out.Updated++
		case rowDuplicate:
			out.Duplicates++
		default:
			out.Errors++
		}
	}
	return out
}

func fail(r *importRow, what string) { r.out.Result, r.out.Error = rowError, what }

// places are the sites and gateways by lower-case name, and the platforms: what a row can name.
type places struct {
	sites     map[string]uuid.UUID
	gateways  map[string]uuid.UUID
	platforms *shelf
	// certified are the sites that name an authority of host certificates.
	certified map[uuid.UUID]bool
}

// readRow checks one line as CreateDevice would check it.
func readRow(l csvLine, p places) *importRow {
	r := &importRow{out: &inventoryv1.ImportDevicesResponse_Row{Line: l.number, Name: l.value("name")}, given: l.given(), dev: device{msg: &inventoryv1.Device{}}}
	if l.err != "" {
		fail(r, l.err)
		return r
	}
	d := &inventoryv1.Device{Name: l.value("name"), Address: l.value("address"), Platform: l.value("platform"), Description: l.value("description"),
		Notes: l.value("notes"), Tags: strings.Split(l.value("tags"), ";")}
	port, err := l.number32("port")
	if err != nil {
		fail(r, err.Error())
		return r
	}
	d.Port = port
	enabled, err := l.boolean("enabled", true)
	if err != nil {
		fail(r, err.Error())
		return r
	}
	d.Enabled = proto.Bool(enabled)
	if d.Ssh, err = l.ssh(); err != nil {
		fail(r, err.Error())
		return r
	}
	if site := l.value("site"); site != "" {
		id, ok := p.sites[strings.ToLower(site)]
		if !ok {
			fail(r, "site: there is no site "+quote(site)+"; create it first")
			return r
		}
		d.SiteId = id.String()
	}
	if gateway := l.value("gateway"); gateway != "" {
		id, ok := p.gateways[strings.ToLower(gateway)]
		if !ok {
			fail(r, "gateway: there is no gateway "+quote(gateway)+"; add it first")
			return r
		}
		d.GatewayId = id.String()
	}
	checked, err := checkDevice(d, p.platforms)
	if err != nil {
		fail(r, errs.From(err).Message())
		if site, e := checkSite(d.GetSiteId()); e == nil {
			r.dev.siteID, r.dev.msg.Name = site, d.GetName()
		}
		return r
	}
	r.dev = checked
	return r
}
