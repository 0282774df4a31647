package hub

import (
	"context"
	"sync"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

// maxPages bounds the pages kept; there are as many as platforms, and the older versions of those that were edited.
const maxPages = 1024

// pages keeps platform pages by digest. A digest's page never changes, so nothing here grows old.
type pages struct {
	client inventoryv1.TargetServiceClient

	mu   sync.Mutex
	kept map[string][]byte
}

func newPages(client inventoryv1.TargetServiceClient) *pages {
	return &pages{client: client, kept: map[string][]byte{}}
}

// get answers the pages of the digests that inventory knows.
func (p *pages) get(ctx context.Context, digests []string) (map[string][]byte, error) {
	found, missing := p.cached(digests)
	if len(missing) == 0 {
		return found, nil
	}
	resp, err := p.client.GetPages(ctx, &inventoryv1.GetPagesRequest{Digests: missing})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept)+len(resp.GetItems()) > maxPages {
		clear(p.kept)
	}
	for _, item := range resp.GetItems() {
		p.kept[item.GetDigest()] = item.GetPage()
		found[item.GetDigest()] = item.GetPage()
	}
	return found, nil
}

func (p *pages) cached(digests []string) (found map[string][]byte, missing []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found = make(map[string][]byte, len(digests))
	for _, d := range digests {
		if page, ok := p.kept[d]; ok {
			found[d] = page
		} else {
			missing = append(missing, d)
		}
	}
	return found, missing
}
