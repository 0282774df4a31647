package gitstore

import (
	"context"
	"log/slog"
	"sync"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/platforms"
)

// pages keeps compiled platform pages by digest. There are as many as platforms in use, so nothing is ever dropped.
type pages struct {
	targets inventoryv1.TargetServiceClient
	log     *slog.Logger
	known   sync.Map // digest -> *platforms.Page
}

func newPages(targets inventoryv1.TargetServiceClient, log *slog.Logger) *pages {
	return &pages{targets: targets, log: log}
}

// get answers the pages of all digests that inventory knows. It blocks on inventory for digests it has not seen.
func (p *pages) get(ctx context.Context, digests map[string]bool) (map[string]*platforms.Page, error) {
	out := make(map[string]*platforms.Page, len(digests))
	var missing []string
	for d := range digests {
		if page, ok := p.known.Load(d); ok {
			out[d] = page.(*platforms.Page)
		} else {
			missing = append(missing, d)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	answer, err := p.targets.GetPages(ctx, &inventoryv1.GetPagesRequest{Digests: missing})
	if err != nil {
		return nil, err
	}
	for _, i := range answer.GetItems() {
		page, problems := platforms.Parse(i.GetDigest(), i.GetPage())
		if page == nil {
			// Of another version, perhaps: results by it are rejected (PAGE_UNKNOWN), those of other devices are not.
			p.log.Error("a platform page does not compile; results that were read by it cannot be kept", "digest", i.GetDigest(), "problem", problems[0].Error())
			continue
		}
		p.known.Store(i.GetDigest(), page)
		out[i.GetDigest()] = page
	}
	return out, nil
}
