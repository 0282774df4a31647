package gitstore

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/gitstore/grep"
)

const (
	// maxHistorySearches run at once beside those of the newest texts, which they must not hold up.
	maxHistorySearches = 2
	// historyRows are read at once of an artifact's revisions.
	historyRows = 200
)

// period is when a line has to have been there; zero times are no bounds.
type period struct{ since, until time.Time }

func periodOf(in *gitstorev1.SearchConfigsRequest) (p period, err error) {
	if !in.GetHistory() && (in.GetSince() != nil || in.GetUntil() != nil) {
		return p, errs.Invalid("history", "MISSING", "since and until need history: without it the newest revisions are searched")
	}
	if in.GetSince() != nil {
		p.since = in.GetSince().AsTime()
	}
	if in.GetUntil() != nil {
		if p.until = in.GetUntil().AsTime(); !p.since.Before(p.until) {
			return p, errs.Invalid("until", "OUT_OF_RANGE", "must be later than since")
		}
	}
	return p, nil
}

// past is an artifact's history on its way through its revisions, oldest first. What it keeps is bounded by two texts and a page of hits, whatever their number.
type past struct {
	q *search
	f *file
	// runs are the lines of this page in the order of their hits; open those that the last revision has.
	runs []*run
	open map[string]*run
	room int
	last version
}

// run is a line and where it begins to be.
type run struct {
	first gitstoresql.RevisionsUpRow
	at    int
	// hit is nil until it is known where the line ends, and after that if it was not there in the period.
	hit *gitstorev1.Hit
}

// version is a revision with its lines that match: all of them, and the first one of equal ones.
type version struct {
	row   gitstoresql.RevisionsUpRow
	text  []byte
	all   []grep.Line
	lines map[string]grep.Line
}

// placeOf is where a run is in the order of its artifact's: later revisions add some behind it and move none.
func placeOf(number int32, line int) int { return int(number)<<32 | line }

// searchHistory fills a file's hits with the lines that match in any revision, as many as a page takes. A revision that cannot be read is told, and taken as if it were not
// there.
func (s *Service) searchHistory(ctx context.Context, q *search, f *file) error {
	p := &past{q: q, f: f, open: map[string]*run{}, room: pageBytes}
	for number := int32(0); ; {
		rows, err := s.store.revisionsUp(ctx, f.row.DeviceID, f.row.Name, number, historyRows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			text, ok, err := s.read(ctx, f, r.Repository, r.Blob)
			if ok {
				err = p.step(ctx, r, text)
			}
			if err != nil {
				return err
			}
			if p.full() {
				break
			}
		}
		if len(rows) < historyRows || p.full() {
			p.end()
			return nil
		}
		number = rows[len(rows)-1].Number
	}
}

// full tells that later revisions have nothing for this page: it takes no more lines, and where those that it has end is known.
func (p *past) full() bool { return p.f.rest > 0 && len(p.open) == 0 }

// step goes on to the next revision: what it lacks ends, what it adds begins.
func (p *past) step(ctx context.Context, row gitstoresql.RevisionsUpRow, text []byte) error {
	all, err := p.q.linesSince(ctx, p.last, text)
	if err != nil {
		return err
	}
	next := version{row: row, text: text, all: all, lines: map[string]grep.Line{}}
	var fresh []string
	for _, l := range all {
		line := string(text[l.Start:l.End])
		if _, twice := next.lines[line]; twice {
			continue
		}
		next.lines[line] = l
		if _, ok := p.last.lines[line]; !ok {
			fresh = append(fresh, line)
		}
	}
	for line, r := range p.open {
		if _, ok := next.lines[line]; !ok {
			p.finish(line, r, &row)
		}
	}
	for _, line := range fresh {
		p.begin(next, line)
	}
	p.last = next
	return nil
}

// begin takes a line into the page, unless it was in one before or the page is full: then it is in a later one.
func (p *past) begin(v version, line string) {
	l := v.lines[line]
	at := placeOf(v.row.Number, l.Number)
	if u := p.q.period.until; at <= p.f.after || p.f.rest > 0 || !u.IsZero() && !v.row.CreatedAt.Before(u) {
		return
	}
	if len(p.runs) == p.q.size || p.room <= 0 {
		p.f.rest = p.runs[len(p.runs)-1].at
		return
	}
	r := &run{first: v.row, at: at}
	p.room -= proto.Size(p.f.hit(v.text, l, int(p.q.in.GetContext())))
	p.runs, p.open[line] = append(p.runs, r), r
}

// finish makes the hit of a line that the last revision had; gone is the one that lacks it, nil if there is none.
func (p *past) finish(line string, r *run, gone *gitstoresql.RevisionsUpRow) {
	delete(p.open, line)
	if gone != nil && !gone.CreatedAt.After(p.q.period.since) {
		return
	}
	last := p.last.row
	h := p.f.hit(p.last.text, p.last.lines[line], int(p.q.in.GetContext()))
	h.RevisionId, h.Number = last.ID.String(), last.Number
	h.Presence = &gitstorev1.Presence{FirstRevisionId: r.first.ID.String(), FirstNumber: r.first.Number, FirstAt: timestamppb.New(r.first.CreatedAt),
		LastAt: timestamppb.New(last.CreatedAt), DeviceDeletedAt: p.f.device.GetDeletedAt()}
	if gone != nil {
		h.Presence.GoneRevisionId, h.Presence.GoneAt = gone.ID.String(), timestamppb.New(gone.CreatedAt)
	}
	r.hit = h
}

// end is behind the newest revision: the lines that it has are still there.
func (p *past) end() {
	for line, r := range p.open {
		p.finish(line, r, nil)
	}
	for _, r := range p.runs {
		if r.hit != nil {
			p.f.hits = append(p.f.hits, hitAt{r.hit, r.at})
		}
	}
}
