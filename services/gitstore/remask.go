package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/seal"
)

// A page that masks or drops something new makes other texts, though no device changed. Such a text is committed, for git must not go on showing what the page hides, and makes no
// revision: the newest one stays what it was, and has the new text from then on. That the page alone did it is told by the newest original, which the new page is put to as well.

// relabelled reads the originals of the newest revisions that other pages, or other settings, masked than the texts that came. Without a label nobody knows what masked one: it was
// indexed from git, perhaps after a loss of the key that tags are made with, or something was erased from it.
func (s *Service) relabelled(ctx context.Context, attempts []*attempt, now states) (map[uuid.UUID]gitstoresql.GetOriginalsRow, error) {
	var revisions []uuid.UUID
	for _, a := range attempts {
		for _, t := range a.texts {
			st, known := now[a.device][t.in.GetName()]
			if known && st.TextDigest != t.digest && st.Label != t.in.GetLabel() {
				revisions = append(revisions, st.RevisionID)
			}
		}
	}
	if len(revisions) == 0 {
		return nil, nil //nolint:nilnil // no page changed, as nearly always
	}
	return s.store.originals(ctx, revisions)
}

// remasks tells whether an original is masked to the text that came. One that does not open tells nothing: then it is a revision.
func (s *Service) remasks(a *attempt, t *text, o gitstoresql.GetOriginalsRow) bool {
	def := artifactOf(a.reader.page, t.in.GetName())
	if def == nil || len(o.Sealed) == 0 {
		return false
	}
	aad := seal.ArtifactAAD{DeviceID: a.in.GetDeviceId(), Artifact: t.in.GetName(), TaskID: o.TaskID.String(), Fence: o.Fence}
	original, err := seal.OpenArtifact(a.reader.keys.GetSealKey(), aad, o.Sealed, maxOriginal)
	if err != nil {
		s.log.Warn("the newest original does not open, so that a changed page cannot be told from a changed device", "device", a.device, "artifact", t.in.GetName(), "err", err)
		return false
	}
	return digestOf(a.reader.mask(a.reader.page, def.Clean(original))) == t.digest
}
