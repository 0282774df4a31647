package gitstore

import (
	"strconv"
	"strings"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// origin is the attempt that a commit came from, as its trailers say (see trailers).
type origin struct {
	commit            *repo.Commit
	device, task, run uuid.UUID
	fence             int64
	artifacts         []namedArtifact
}

// namedArtifact is one artifact in the trailers, with the SHA-256 of its text, hex.
type namedArtifact struct {
	name, digest string
	// earlier is how many revisions it has in other repositories that come before, where it comes from one, and was the digest of the newest; empty in commits of older versions.
	earlier int32
	was     string
	// another: the commit has another text than this, though an erasure made them the same.
	another bool
	// remasked is the number of the revision whose text a changed page made this; 0: none did.
	remasked int32
}

// anotherText follows the digest in the trailer Earlier where an erasure made two texts the same.
const anotherText = "another"

// known is the number of a revision that came before, and that it may be the text of.
func (a namedArtifact) known() int32 { return max(a.earlier, a.remasked) }

// before is how many revisions came before the one whose text this is, as far as the commit knows: the text of the last of them, if it only moved or a page changed it.
func (a namedArtifact) before() int32 {
	if a.remasked > 0 || a.was != "" && a.was == a.digest {
		return a.known() - 1
	}
	return a.earlier
}

// originOf reads a commit's trailers; nil when they are not ours. There are no artifacts where a device left for another repository.
func originOf(c *repo.Commit) *origin {
	o := &origin{commit: c}
	for to, key := range map[*uuid.UUID]string{&o.device: repo.TrailerDevice, &o.task: repo.TrailerTask, &o.run: repo.TrailerRun} {
		id, err := uuid.Parse(c.Trailers.Get(key))
		if err != nil {
			return nil
		}
		*to = id
	}
	var err error
	if o.fence, err = strconv.ParseInt(c.Trailers.Get(repo.TrailerFence), 10, 64); err != nil {
		return nil
	}
	name := ""
	for _, t := range c.Trailers {
		switch {
		case strings.EqualFold(t.Key, repo.TrailerArtifact):
			name = t.Value
		case strings.EqualFold(t.Key, repo.TrailerDigest) && name != "":
			o.artifacts, name = append(o.artifacts, namedArtifact{name: name, digest: t.Value}), ""
		case len(o.artifacts) > 0:
			if err := o.artifacts[len(o.artifacts)-1].number(t); err != nil {
				return nil
			}
		}
	}
	return o
}

// number reads a trailer that has the number of a revision; others say nothing of an artifact.
func (a *namedArtifact) number(t repo.Trailer) error {
	value, was, _ := strings.Cut(t.Value, " ")
	was, another, _ := strings.Cut(was, " ")
	n, err := strconv.ParseUint(value, 10, 31)
	switch {
	case strings.EqualFold(t.Key, repo.TrailerEarlier):
		a.earlier, a.was, a.another = int32(n), was, another == anotherText //nolint:gosec // 31 bits
	case strings.EqualFold(t.Key, repo.TrailerRemasked):
		a.remasked = int32(n) //nolint:gosec // 31 bits
	default:
		return nil
	}
	return err
}

func (o *origin) key() key { return key{o.task, o.fence} }

// row is the revision of one artifact of the commit, but for what the text decides. Its time is that of the commit, which git keeps to the second.
func (o *origin) row(a namedArtifact, number int32, at *located) gitstoresql.CreateRevisionsParams {
	return gitstoresql.CreateRevisionsParams{ID: uuid.Must(uuid.NewV7()), DeviceID: o.device, Artifact: a.name, Number: number, Author: o.commit.Author.Name,
		CommitHash: o.commit.Hash.String(), Blob: at.blob.String(), Repository: at.repository, Digest: a.digest, RunID: o.run, TaskID: o.task, Fence: o.fence, CreatedAt: o.commit.Author.When}
}
