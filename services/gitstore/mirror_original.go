package gitstore

import (
	"bufio"
	"context"
	"errors"
	"math"
	"os"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/mirror"
)

// fullSegment is left as it is: smaller ones are written again together with newer originals.
const fullSegment = 256 << 20

// originals brings over the originals that changed. A new segment takes in those before it that are not much larger, read anew from the database, where each original is
// only once; so there are few segments, few bytes are written more than some times, and what was replaced goes away in time.
func (m *mirroring) originals(ctx context.Context, old *mirror.Manifest, have map[string]int64, change int64) ([]mirror.Segment, error) {
	var segments []mirror.Segment
	from := int64(0)
	if old != nil {
		segments, from = m.usable(slices.Clone(old.Originals), have), old.Change
		if n := len(segments); n < len(old.Originals) { // lost in the mirror: written again
			from = 0
			if n > 0 {
				from = segments[n-1].To
			}
		}
		ours, err := m.s.store.wroteManifest(ctx, old)
		if err != nil {
			return nil, err
		}
		if !ours || change < old.Change { // the database is another one, or was restored to an older moment: its numbers mean something else now
			for i := range segments {
				segments[i].From, segments[i].To = 0, 0
			}
			from = 0
		}
	}
	if from == change {
		return segments, nil
	}
	n, err := m.s.store.countOriginals(ctx, from, change)
	if err != nil {
		return nil, err
	}
	for len(segments) > 0 {
		last := segments[len(segments)-1]
		if last.To == 0 || last.Size >= fullSegment || last.Records > 2*n {
			break
		}
		n, from, segments = n+last.Records, last.From, segments[:len(segments)-1]
	}
	made, err := m.export(ctx, from, change)
	return append(segments, made...), err
}

// usable are the segments up to the first that the mirror does not hold as it should. One that is kept from an earlier database cannot be written again.
func (m *mirroring) usable(segments []mirror.Segment, have map[string]int64) []mirror.Segment {
	whole := func(s mirror.Segment) bool { size, ok := have[s.Name]; return ok && size == s.Size }
	segments = slices.DeleteFunc(segments, func(s mirror.Segment) bool {
		if s.To != 0 || whole(s) {
			return false
		}
		m.s.log.Error("a segment of the mirror is gone, and with it originals that only it had", "segment", s.Name)
		return true
	})
	if i := slices.IndexFunc(segments, func(s mirror.Segment) bool { return !whole(s) }); i >= 0 {
		return segments[:i]
	}
	return segments
}

// export writes the originals of some changes, in segments of a bounded size.
func (m *mirroring) export(ctx context.Context, from, until int64) ([]mirror.Segment, error) {
	var out []mirror.Segment
	for from < until {
		s, err := m.exportOne(ctx, from, until)
		if err != nil {
			return nil, err
		}
		if s.Records > 0 {
			out = append(out, s)
		}
		from = s.To
	}
	return out, nil
}

func (m *mirroring) exportOne(ctx context.Context, from, until int64) (s mirror.Segment, err error) {
	file, err := m.scratch()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	w := bufio.NewWriterSize(file, 1<<20)
	s.From, s.To = from, until
	written := 0
	after, afterID := from, uuid.UUID(slices.Repeat([]byte{math.MaxUint8}, 16)) // behind all of change `from`
	for {
		rows, err := m.s.store.originalsPage(ctx, after, afterID, s.To)
		if err != nil {
			return s, errors.Join(err, file.Close())
		}
		if len(rows) == 0 {
			break
		}
		n, err := m.writeFrames(ctx, w, rows)
		if err != nil {
			return s, errors.Join(err, file.Close())
		}
		written, s.Records = written+n, s.Records+int64(len(rows))
		after, afterID = rows[len(rows)-1].Change, rows[len(rows)-1].RevisionID
		if written >= fullSegment {
			s.To = after // a change is never divided
		}
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil || s.Records == 0 {
		return s, err
	}
	s.File, err = mirror.Upload(ctx, m.to, "", file.Name())
	return s, err
}

// writeFrames writes a page of originals with their devices' wrapped keys, and answers the bytes.
func (m *mirroring) writeFrames(ctx context.Context, w *bufio.Writer, rows []gitstoresql.ListOriginalsRow) (int, error) {
	request := &vaultv1.GetDataKeysRequest{}
	for _, r := range rows {
		request.DeviceIds = append(request.DeviceIds, r.DeviceID.String())
	}
	keys, err := m.s.dataKeys(ctx, request)
	if err != nil {
		return 0, err
	}
	if len(keys.GetItems()) != len(rows) {
		return 0, errors.New("vault answered another number of data keys than asked for")
	}
	total := 0
	for i, r := range rows {
		o := &gitstorev1.MirroredOriginal{RevisionId: r.RevisionID.String(), DeviceId: r.DeviceID.String(), Artifact: r.Artifact, TaskId: r.RevisionTaskID.String(),
			Fence: r.RevisionFence, CreatedAt: timestamppb.New(r.CreatedAt), Author: r.Author, SealedTaskId: r.TaskID.String(), SealedFence: r.Fence, Sealed: r.Sealed, Size: r.Size,
			Path: r.Path, RecoveryWrapped: keys.GetItems()[i].GetRecoveryWrapped(), DataKey: keys.GetItems()[i].GetSealed()}
		if err := writeFrame(w, o); err != nil {
			return 0, err
		}
		total += proto.Size(o)
	}
	return total, nil
}

func writeFrame(w *bufio.Writer, o *gitstorev1.MirroredOriginal) error {
	b, err := proto.Marshal(o)
	if err != nil {
		return err
	}
	return mirror.WriteFrame(w, b)
}
