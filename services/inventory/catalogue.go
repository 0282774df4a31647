package inventory

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/platforms"
)

// catalogue is what platforms there are: built in, from files, from the table. It compiles a page when its digest is new; whether one is, is
// asked at each request, so that all replicas agree. Safe for concurrent use.
type catalogue struct {
	log   *slog.Logger
	base  *platforms.Set // built in and from files
	files map[string]bool

	mu   sync.Mutex
	last *shelf
}

// shelf is the catalogue at one moment; it never changes.
type shelf struct {
	*platforms.Set
	files map[string]bool
	rows  map[string]inventorysql.ListCustomPlatformsRow
}

func newCatalogue(log *slog.Logger, files []*platforms.Page) *catalogue {
	c := &catalogue{log: log, base: platforms.Builtin().With(files...), files: map[string]bool{}}
	for _, p := range files {
		c.files[p.Name] = true
	}
	c.last = &shelf{Set: c.base, files: c.files}
	return c
}

// now answers the catalogue as q sees it. It blocks on the database.
func (c *catalogue) now(ctx context.Context, q *inventorysql.Queries) (*shelf, error) {
	rows, err := q.ListCustomPlatforms(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.is(rows) {
		return c.last, nil
	}
	pages, err := q.GetCustomPages(ctx)
	if err != nil {
		return nil, err
	}
	c.last = c.compile(rows, pages)
	return c.last, nil
}

// is reports that the shelf holds exactly these pages.
func (s *shelf) is(rows []inventorysql.ListCustomPlatformsRow) bool {
	return len(rows) == len(s.rows) && !slices.ContainsFunc(rows, func(r inventorysql.ListCustomPlatformsRow) bool { return s.rows[r.Name].Digest != r.Digest })
}

// compile makes a shelf. A stored page that does not compile, because a later version is stricter, takes its platform away: reading the devices with a
// built-in page of the same name is not what was asked for.
func (c *catalogue) compile(rows []inventorysql.ListCustomPlatformsRow, pages []inventorysql.GetCustomPagesRow) *shelf {
	out := &shelf{files: c.files, rows: map[string]inventorysql.ListCustomPlatformsRow{}}
	for _, r := range rows {
		out.rows[r.Name] = r
	}
	var good []*platforms.Page
	var broken []string
	for _, r := range pages {
		switch p, problems := platforms.Parse(r.Name+".yaml", r.Page); {
		case c.files[r.Name]:
			c.log.Warn("a page in the server's folder takes the place of one made by API", "platform", r.Name)
		case p == nil:
			c.log.Error("a custom platform cannot be used; PATCH it with a page that is in order", "platform", r.Name, "problem", problems[0].Error())
			broken = append(broken, r.Name)
		default:
			good = append(good, p)
		}
	}
	out.Set = c.base.With(good...).Without(broken...)
	return out
}

// origin says where the page in use is from.
func (s *shelf) origin(name string) inventoryv1.Platform_Origin {
	if s.files[name] {
		return inventoryv1.Platform_FILE
	}
	if _, custom := s.rows[name]; custom {
		return inventoryv1.Platform_API
	}
	return inventoryv1.Platform_BUILTIN
}
