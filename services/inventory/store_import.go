package inventory

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
)

// places reads the names of all sites and gateways.
func (s *store) places(ctx context.Context) (places, error) {
	p := places{sites: map[string]uuid.UUID{}, gateways: map[string]uuid.UUID{}, certified: map[uuid.UUID]bool{}}
	sites, err := s.q.SiteIDs(ctx)
	if err != nil {
		return p, err
	}
	for _, r := range sites {
		p.sites[strings.ToLower(r.Name)] = r.ID
		p.certified[r.ID] = r.HasCa
	}
	gateways, err := s.q.GatewayIDs(ctx)
	for _, r := range gateways {
		p.gateways[strings.ToLower(r.Name)] = r.ID
	}
	return p, err
}

// importChunk decides what becomes of each row and does it, in one transaction.
func (s *store) importChunk(ctx context.Context, rows []*importRow, certified map[uuid.UUID]bool, dryRun bool, now time.Time) error {
	return s.tx(ctx, func(q *inventorysql.Queries) error {
		found, err := findForImport(ctx, q, rows)
		if err != nil {
			return err
		}
		created, changed := sortRows(rows, found, certified)
		if dryRun {
			for _, r := range created {
				r.out.Id = "" // nothing has it
			}
			return nil
		}
		if err := insertNew(ctx, q, created, now); err != nil {
			return err
		}
		if err := writeChanged(ctx, q, changed, now); err != nil {
			return err
		}
		return tagRows(ctx, q, created, changed)
	})
}

func keyOf(site uuid.UUID, name string) string { return site.String() + "/" + strings.ToLower(name) }

func findForImport(ctx context.Context, q *inventorysql.Queries, rows []*importRow) (map[string]inventorysql.FindForImportRow, error) {
	var p inventorysql.FindForImportParams
	for _, r := range rows {
		if r.out.GetResult() != rowError {
			p.SiteIds, p.Names = append(p.SiteIds, r.dev.siteID), append(p.Names, r.dev.msg.GetName())
		}
	}
	existing, err := q.FindForImport(ctx, p)
	found := make(map[string]inventorysql.FindForImportRow, len(existing))
	for _, e := range existing {
		found[keyOf(e.SiteID, e.Name)] = e
	}
	return found, err
}

// sortRows says of each row whether it is new, changes something or is there already.
func sortRows(rows []*importRow, found map[string]inventorysql.FindForImportRow, certified map[uuid.UUID]bool) (created, changed []*importRow) {
	for _, r := range rows {
		if r.out.GetResult() == rowError {
			continue
		}
		old, exists := found[keyOf(r.dev.siteID, r.dev.msg.GetName())]
		if r.dev.msg.GetSsh().GetHostKeyPolicy() == inventoryv1.Device_Ssh_CA && old.HostKeyCa == "" && !certified[r.dev.siteID] {
			fail(r, "ssh.host_key_policy: "+noAuthorityHelp)
			continue
		}
		if !exists {
			r.dev.id = newID()
			r.out.Result, r.out.Id = rowCreated, r.dev.id.String()
			created = append(created, r)
			continue
		}
		keepUngiven(r, old)
		r.dev.id, r.out.Id = old.ID, old.ID.String()
		if same(r, old) {
			r.out.Result = rowDuplicate
			continue
		}
		r.out.Result = rowUpdated
		changed = append(changed, r)
	}
	return created, changed
}

// keepUngiven lets what the file has no column for stay as it is.
func keepUngiven(r *importRow, old inventorysql.FindForImportRow) {
	d := &r.dev
	if !r.given["port"] {
		d.msg.Port = old.Port
	}
	if !r.given["gateway"] {
		d.gateway = old.GatewayID
	}
	if !r.given["tags"] {
		d.tags = old.Tags
	}
	if !r.given["description"] {
		d.msg.Description = old.Description
	}
	if !r.given["notes"] {
		d.msg.Notes = old.Notes
	}
	if !r.given["enabled"] {
		d.enabled = old.Enabled
	}
	before := sshOf(old.Legacy, old.HostKeyPolicy, old.Newline, old.TerminalColumns, old.TerminalRows, old.KeepaliveSeconds)
	for _, option := range sshColumns {
		if !r.given["ssh."+option] {
			mergeSSH(d.msg.Ssh, before, option)
		}
	}
}

func same(r *importRow, old inventorysql.FindForImportRow) bool {
	d := r.dev
	sameGateway := (d.gateway == nil) == (old.GatewayID == nil) && (d.gateway == nil || *d.gateway == *old.GatewayID)
	before := sshOf(old.Legacy, old.HostKeyPolicy, old.Newline, old.TerminalColumns, old.TerminalRows, old.KeepaliveSeconds)
	return sameGateway && proto.Equal(d.msg.GetSsh(), before) && d.msg.GetAddress() == old.Address && d.msg.GetPort() == old.Port && d.msg.GetPlatform() == old.Platform &&
		d.msg.GetDescription() == old.Description && d.msg.GetNotes() == old.Notes && d.enabled == old.Enabled && sameTags(d.tags, old.Tags)
}

func sameTags(a, b []string) bool {
	a, b = lowered(a), lowered(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// columns are the rows turned on their side, as unnest wants them.
type columns struct {
	ids, sites, gateways                             []uuid.UUID
	names, addresses, platforms, descriptions, notes []string
	policies, newlines                               []string
	ports, widths, heights, keepalives               []int32
	enabled, legacy                                  []bool
}

func columnsOf(rows []*importRow) columns {
	var c columns
	for _, r := range rows {
		d := r.dev
		gateway := uuid.Nil
		if d.gateway != nil {
			gateway = *d.gateway
		}
		c.ids, c.sites, c.gateways = append(c.ids, d.id), append(c.sites, d.siteID), append(c.gateways, gateway)
		c.names, c.addresses = append(c.names, d.msg.GetName()), append(c.addresses, d.msg.GetAddress())
		c.platforms, c.descriptions = append(c.platforms, d.msg.GetPlatform()), append(c.descriptions, d.msg.GetDescription())
		c.notes, c.ports = append(c.notes, d.msg.GetNotes()), append(c.ports, d.msg.GetPort())
		ssh, keepalive := d.msg.GetSsh(), int32(-1)
		if ssh.KeepaliveSeconds != nil {
			keepalive = ssh.GetKeepaliveSeconds()
		}
		c.enabled, c.legacy = append(c.enabled, d.enabled), append(c.legacy, ssh.GetLegacy())
		c.policies, c.newlines = append(c.policies, ssh.GetHostKeyPolicy().String()), append(c.newlines, newlineText(ssh.GetNewline()))
		c.widths, c.heights = append(c.widths, ssh.GetTerminalColumns()), append(c.heights, ssh.GetTerminalRows())
		c.keepalives = append(c.keepalives, keepalive)
	}
	return c
}

// insertNew writes the new devices. One that another import made in between is left to the next import.
func insertNew(ctx context.Context, q *inventorysql.Queries, rows []*importRow, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	c := columnsOf(rows)
	made, err := q.ImportNew(ctx, inventorysql.ImportNewParams{At: now, Ids: c.ids, Names: c.names, SiteIds: c.sites, Addresses: c.addresses, Ports: c.ports,
		Platforms: c.platforms, GatewayIds: c.gateways, Descriptions: c.descriptions, Notes: c.notes, Enabled: c.enabled, Legacy: c.legacy, Policies: c.policies,
		Newlines: c.newlines, TerminalColumns: c.widths, TerminalRows: c.heights, Keepalives: c.keepalives})
	if err != nil || len(made) == len(rows) {
		return err
	}
	written := map[uuid.UUID]bool{}
	for _, id := range made {
		written[id] = true
	}
	for _, r := range rows {
		if !written[r.dev.id] {
			r.out.Id = ""
			fail(r, "name: somebody else added it at this moment; import again")
		}
	}
	return nil
}

func writeChanged(ctx context.Context, q *inventorysql.Queries, rows []*importRow, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	c := columnsOf(rows)
	return q.ImportChanged(ctx, inventorysql.ImportChangedParams{At: now, Ids: c.ids, Addresses: c.addresses, Ports: c.ports, Platforms: c.platforms,
		GatewayIds: c.gateways, Descriptions: c.descriptions, Notes: c.notes, Enabled: c.enabled, Legacy: c.legacy, Policies: c.policies,
		Newlines: c.newlines, TerminalColumns: c.widths, TerminalRows: c.heights, Keepalives: c.keepalives})
}

func tagRows(ctx context.Context, q *inventorysql.Queries, created, changed []*importRow) error {
	devices := func(rows []*importRow) []device {
		var out []device
		for _, r := range rows {
			if r.out.GetResult() != rowError {
				out = append(out, r.dev)
			}
		}
		return out
	}
	if err := setTags(ctx, q, devices(created), false); err != nil {
		return err
	}
	return setTags(ctx, q, devices(changed), true)
}
