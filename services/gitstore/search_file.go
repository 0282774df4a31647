package gitstore

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/grep"
	"github.com/netraven/netraven/services/gitstore/repo"
	"github.com/netraven/netraven/services/gitstore/sift"
)

const (
	maxLine = 1000
	// lead is what is shown before a match that lies far into its line.
	lead = 200
)

// file is one artifact that is searched.
type file struct {
	row    gitstoresql.ArtifactsFromRow
	device *inventoryv1.DescribeDevicesResponse_Item
	// after is the place of the last hit that was answered already: its line, or see placeOf.
	after int
	hits  []hitAt
	// rest is the place behind which there are hits that no page of this size takes; 0: there are none.
	rest int
	// searched are the texts that were read, unreadable those of them that could not be.
	searched, unreadable int32
}

// hitAt is a hit and its place in the order of its file's.
type hitAt struct {
	*gitstorev1.Hit
	at int
}

// searchFile fills a file's hits, as many as a page takes. A text that cannot be read is told, and stops no search.
func (s *Service) searchFile(ctx context.Context, q *search, f *file) error {
	text, ok, err := s.read(ctx, f, f.row.Repository, f.row.Blob)
	if !ok {
		return err
	}
	bytes := 0
	return q.lines(ctx, text, func(l grep.Line) bool {
		if l.Number <= f.after {
			return true
		}
		h := f.hit(text, l, int(q.in.GetContext()))
		f.hits = append(f.hits, hitAt{h, l.Number})
		bytes += proto.Size(h)
		return len(f.hits) < q.size && bytes <= pageBytes
	})
}

// read answers a text, if it can be read.
func (s *Service) read(ctx context.Context, f *file, repository, blob string) (text []byte, ok bool, err error) {
	f.searched++
	text, err = s.repos.blob(ctx, repository, blob)
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		s.log.Error("a text cannot be read, so that it cannot be searched", "device", f.row.DeviceID, "artifact", f.row.Name, "err", err)
		f.unreadable++
		return nil, false, nil
	}
	return text, true, nil
}

// lines calls see for each line of a text that is looked for, in order, until it answers false.
func (q *search) lines(ctx context.Context, text []byte, see func(grep.Line) bool) error {
	return q.pattern.Lines(ctx, text, func(l grep.Line) bool {
		return q.also != nil && !q.also.Match(text[l.Start:l.End]) || see(l)
	})
}

func (f *file) hit(text []byte, l grep.Line, around int) *gitstorev1.Hit {
	h := &gitstorev1.Hit{DeviceId: f.device.GetDeviceId(), DeviceName: f.device.GetDeviceName(), SiteId: f.device.GetSiteId(), SiteName: f.device.GetSiteName(),
		Platform: f.device.GetPlatform(), Artifact: f.row.Name, RevisionId: f.row.RevisionID.String(), Number: f.row.Number, Line: int32(l.Number)}
	line, start := text[l.Start:l.End], l.Match-l.Start
	if len(line) > maxLine && start > lead {
		line = line[min(start-lead, len(line)-maxLine):]
	}
	h.Text = shown(line)
	before, after := grep.Around(text, l, around)
	for _, b := range before {
		h.Before = append(h.Before, shown(b))
	}
	for _, a := range after {
		h.After = append(h.After, shown(a))
	}
	return h
}

// shown is a line as a message may carry it.
func shown(line []byte) string {
	if len(line) > maxLine {
		line = line[:maxLine]
	}
	return strings.ToValidUTF8(string(line), "\ufffd")
}

// take adds a file's hits to the page and tells whether it is full: then the place of the last one is where the next page goes on.
func (q *search) take(f *file) (full bool) {
	q.out.Searched, q.out.Unreadable = q.out.Searched+f.searched, q.out.Unreadable+f.unreadable
	for _, h := range f.hits {
		n := proto.Size(h.Hit)
		if q.room < n && len(q.out.Items) > 0 {
			return true
		}
		q.room -= n
		q.out.Items = append(q.out.Items, h.Hit)
		q.at, q.line = place{f.row.DeviceID, f.row.Name}, h.at
		if len(q.out.Items) == q.size {
			return true
		}
	}
	if f.rest > 0 {
		q.at, q.line = place{f.row.DeviceID, f.row.Name}, f.rest
	}
	return f.rest > 0
}

func hashText(h sift.Hash) string { return repo.Hash(h).String() }
