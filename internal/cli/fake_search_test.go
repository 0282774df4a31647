package cli_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"google.golang.org/grpc/codes"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

// fakeSearch has ten lines of each device, and answers them a few at a time, with an empty page after each.
type fakeSearch struct {
	gitstorev1.UnimplementedSearchServiceServer
	*house
}

const fakeLines = 10

func (f *fakeSearch) SearchConfigs(_ context.Context, r *gitstorev1.SearchConfigsRequest) (*gitstorev1.SearchConfigsResponse, error) {
	if r.Secret != "" { // which is in line 3 only
		if r.Secret != "public" {
			return &gitstorev1.SearchConfigsResponse{}, nil
		}
		r.Q = "line 3"
	}
	pattern := regexp.QuoteMeta(r.Q)
	if r.Regex {
		pattern = r.Q
	}
	if r.IgnoreCase {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, errs.New(codes.InvalidArgument, "PATTERN_INVALID", "the pattern cannot be used")
	}
	devices, _, err := pageOf(f.devices, 0, "", func(d *inventoryv1.Device) bool { return len(r.DeviceIds) == 0 || slices.Contains(r.DeviceIds, d.Id) })
	if err != nil {
		return nil, err
	}
	var all []*gitstorev1.Hit
	for _, d := range devices {
		hits := fakeHits(d, re, int(r.Context))
		for _, h := range hits {
			if r.History {
				h.Number, h.Presence = 7, fakePresence(h, r)
			}
		}
		all = append(all, hits...)
	}
	turn, _ := strconv.Atoi(r.PageToken) // every second turn has hits
	out := &gitstorev1.SearchConfigsResponse{}
	const size = 2
	start := turn / 2 * size
	if end := start + min(size, int(r.PageSize)); turn%2 == 0 {
		out.Items = all[min(start, len(all)):min(end, len(all))]
	}
	if start+size < len(all) {
		out.NextPageToken = strconv.Itoa(turn + 1)
	}
	return out, nil
}

func fakeHits(d *inventoryv1.Device, re *regexp.Regexp, around int) (hits []*gitstorev1.Hit) {
	line := func(n int) string { return fmt.Sprintf("line %d of %s", n, d.Name) }
	for n := 1; n <= fakeLines; n++ {
		if !re.MatchString(line(n)) {
			continue
		}
		h := &gitstorev1.Hit{DeviceId: d.Id, DeviceName: d.Name, Artifact: "running.cfg", Line: int32(n), Text: line(n)}
		for i := max(1, n-around); i < n; i++ {
			h.Before = append(h.Before, line(i))
		}
		for i := n + 1; i <= min(fakeLines, n+around); i++ {
			h.After = append(h.After, line(i))
		}
		hits = append(hits, h)
	}
	return hits
}

// fakePresence is that of a line in revisions 1 to 7: it came when the search begins, and even ones are gone when it ends.
func fakePresence(h *gitstorev1.Hit, r *gitstorev1.SearchConfigsRequest) *gitstorev1.Presence {
	p := &gitstorev1.Presence{FirstNumber: 1, FirstAt: r.Since}
	if h.Line%2 == 0 {
		p.GoneAt, p.DeviceDeletedAt = r.Until, r.Until
	}
	return p
}
