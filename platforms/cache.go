package platforms

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// maxCached is how many compiled pages a Cache holds: more platforms than one agent meets at a time.
const maxCached = 64

// Cache keeps compiled pages by the digest of their source. An agent gets the page with every offer;
// compiling it takes milliseconds, more than a whole session. The zero Cache is ready and safe for
// concurrent use.
type Cache struct {
	mu    sync.Mutex
	pages map[string]*Page
}

// Parse is the function Parse, except that a page seen lately is not compiled again.
func (c *Cache) Parse(file string, b []byte) (*Page, []Problem) {
	sum := sha256.Sum256(b)
	digest := hex.EncodeToString(sum[:])
	c.mu.Lock()
	page := c.pages[digest]
	c.mu.Unlock()
	if page != nil {
		return page, nil
	}
	page, problems := Parse(file, b)
	if page == nil {
		return nil, problems
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pages == nil || len(c.pages) >= maxCached {
		// Starting over is rare and costs each page one compilation.
		c.pages = make(map[string]*Page, maxCached)
	}
	c.pages[digest] = page
	return page, nil
}
