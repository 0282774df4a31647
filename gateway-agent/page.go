package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"

	"github.com/netraven/netraven/platforms"
)

// maxPages bounds the pages kept; an offer without its page is declined with NEED_PAGE, and the hub sends it again.
const maxPages = 256

// pages are the platform pages that the hub sent, compiled, by digest.
type pages struct {
	mu   sync.Mutex
	kept map[string]*platforms.Page
}

// take answers the page of a signed digest, from the offer or from an earlier one. reason: why there is none.
func (p *pages) take(digest string, source []byte) (page *platforms.Page, reason string) {
	p.mu.Lock()
	page = p.kept[digest]
	p.mu.Unlock()
	if page != nil {
		return page, ""
	}
	if len(source) == 0 {
		return nil, "NEED_PAGE"
	}
	if sum := sha256.Sum256(source); hex.EncodeToString(sum[:]) != digest {
		return nil, "PAGE_MISMATCH"
	}
	page, problems := platforms.Parse("offer", source)
	if page == nil || len(problems) > 0 {
		return nil, "PAGE_INVALID"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil || len(p.kept) >= maxPages {
		p.kept = make(map[string]*platforms.Page)
	}
	p.kept[digest] = page
	return page, ""
}
