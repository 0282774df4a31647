package gitstore

import (
	"context"
	"errors"
	"math"
	"regexp/syntax"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/services/gitstore/grep"
)

const (
	// maxSearches run at once; others wait.
	maxSearches = 4
	// pageTime ends a page that takes long. The next one goes on.
	pageTime = 10 * time.Second
	// pageBytes of hits end a page.
	pageBytes = 1 << 20
	// maxUnsifted and maxCandidates are how many texts are worth to be named one by one.
	maxUnsifted   = 2000
	maxCandidates = 10_000
	// searchRows are found at once, groups of searchGroup of them searched at once.
	searchRows  = 256
	maxContext  = 10
	maxPickedID = 1000
)

// SearchConfigs pages through the lines that match.
func (s *Service) SearchConfigs(ctx context.Context, in *gitstorev1.SearchConfigsRequest) (*gitstorev1.SearchConfigsResponse, error) {
	q, err := newSearch(in)
	if err != nil {
		return nil, err
	}
	turns := s.searching
	if in.GetHistory() {
		turns = s.searchingHistory
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if in.GetSecret() != "" {
		if err := s.bySecret(ctx, q); err != nil {
			return nil, err
		}
	}
	if err := s.planFor(ctx, q); err != nil {
		return nil, err
	}
	return q.out, s.walk(ctx, q)
}

// search is one call.
type search struct {
	in      *gitstorev1.SearchConfigsRequest
	pattern *grep.Pattern
	// also has to match the same line; nil: any line will do.
	also   *grep.Pattern
	plan   searchPlan
	period period
	// at is the artifact to go on with, line the place of its last hit that was answered; math.MaxInt: all were.
	at   place
	line int
	size int
	out  *gitstorev1.SearchConfigsResponse
	// room is what is left of the page in bytes.
	room int
}

func newSearch(in *gitstorev1.SearchConfigsRequest) (*search, error) {
	q := &search{in: in, size: int(page.Size(in.GetPageSize())), room: pageBytes, out: &gitstorev1.SearchConfigsResponse{},
		plan: searchPlan{artifact: in.GetArtifact(), devices: []uuid.UUID{}}}
	var err error
	if q.pattern, err = patternOf(in); err != nil {
		return nil, err
	}
	if q.period, err = periodOf(in); err != nil {
		return nil, err
	}
	if c := in.GetContext(); c < 0 || c > maxContext {
		return nil, errs.Invalid("context", "OUT_OF_RANGE", "must be 0 to 10")
	}
	if len(in.GetDeviceIds()) > maxPickedID {
		return nil, errs.Invalid("device_ids", "TOO_MANY", "at most 1000")
	}
	for _, text := range in.GetDeviceIds() {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, errs.Invalid("device_ids", "NOT_AN_ID", "must be ids")
		}
		q.plan.devices = append(q.plan.devices, id)
	}
	for _, text := range in.GetSiteIds() {
		if uuid.Validate(text) != nil {
			return nil, errs.Invalid("site_ids", "NOT_AN_ID", "must be ids")
		}
	}
	parts, err := page.Parse(in.GetPageToken(), 3)
	if err != nil || parts == nil {
		return q, err
	}
	q.at.device, err = uuid.Parse(parts[0])
	line, lineErr := strconv.Atoi(parts[2])
	if err != nil || lineErr != nil || strings.Contains(parts[1], "\x00") {
		return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
	}
	q.at.name, q.line = parts[1], line
	return q, nil
}

func patternInvalid(err error) error {
	what := err.Error()
	if wrong, ok := errors.AsType[*syntax.Error](err); ok {
		what = wrong.Code.String() + ": " + wrong.Expr
	}
	return errs.New(codes.InvalidArgument, "PATTERN_INVALID", "the pattern cannot be used: %s", what).Field("q", "PATTERN_INVALID", what)
}

// walk searches artifact after artifact until the page is full or its time is over.
func (s *Service) walk(ctx context.Context, q *search) error {
	begin := s.now()
	for {
		rows, err := s.store.searchRows(ctx, q.plan, q.at, searchRows)
		if err != nil {
			return err
		}
		last := len(rows) < searchRows
		if len(rows) > 0 && q.line == math.MaxInt && q.at == (place{rows[0].DeviceID, rows[0].Name}) {
			rows = rows[1:]
		}
		known, err := s.describe(ctx, q.in, rows)
		if err != nil {
			return err
		}
		group := 8 * runtime.GOMAXPROCS(0)
		if q.in.GetHistory() { // each is many texts, and a page ends between two groups
			group = runtime.GOMAXPROCS(0)
		}
		for len(rows) > 0 {
			some := rows[:min(group, len(rows))]
			rows = rows[len(some):]
			full, err := s.searchGroup(ctx, q, some, known)
			if err != nil {
				return err
			}
			if full || (len(rows) > 0 || !last) && s.now().Sub(begin) > pageTime {
				q.out.NextPageToken = page.Token(q.at.device.String(), q.at.name, strconv.Itoa(q.line))
				return nil
			}
		}
		if last {
			return nil
		}
	}
}

// describe answers the devices of rows that are in the inventory and in the filter, by id.
func (s *Service) describe(
	ctx context.Context, in *gitstorev1.SearchConfigsRequest, rows []gitstoresql.ArtifactsFromRow,
) (map[string]*inventoryv1.DescribeDevicesResponse_Item, error) {
	known := map[string]*inventoryv1.DescribeDevicesResponse_Item{}
	if len(rows) == 0 {
		return known, nil
	}
	ask := &inventoryv1.DescribeDevicesRequest{SiteIds: in.GetSiteIds(), Platforms: in.GetPlatforms(), Tags: in.GetTags(), WithDeleted: in.GetHistory()}
	for i, r := range rows {
		if i == 0 || rows[i-1].DeviceID != r.DeviceID {
			ask.DeviceIds = append(ask.DeviceIds, r.DeviceID.String())
		}
	}
	found, err := s.targets.DescribeDevices(ctx, ask)
	for _, d := range found.GetItems() {
		known[d.GetDeviceId()] = d
	}
	return known, err
}

// searchGroup searches some artifacts at once and takes their hits in order. It tells whether the page is full.
func (s *Service) searchGroup(
	ctx context.Context, q *search, rows []gitstoresql.ArtifactsFromRow, known map[string]*inventoryv1.DescribeDevicesResponse_Item,
) (full bool, err error) {
	files := make([]*file, len(rows))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range rows {
		device := known[r.DeviceID.String()]
		if device == nil {
			continue
		}
		f := &file{row: r, device: device}
		if q.at == (place{r.DeviceID, r.Name}) {
			f.after = q.line
		}
		files[i] = f
		g.Go(func() error {
			if q.in.GetHistory() {
				return s.searchHistory(gctx, q, f)
			}
			return s.searchFile(gctx, q, f)
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	for i, f := range files {
		if f != nil && q.take(f) {
			return true, nil
		}
		q.at, q.line = place{rows[i].DeviceID, rows[i].Name}, math.MaxInt
	}
	return false, nil
}
