package gitstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// erasedMark stands where something was erased.
const erasedMark = "<erased>"

// eraser is one Erase on its way.
type eraser struct {
	cfg   EraseConfig
	repos *repositories
	store *store
	now   func() time.Time
	// parts are all repositories, by name.
	parts map[string]*erasedPart
	// devices that are looked at; none: all.
	devices  []uuid.UUID
	replacer *strings.Replacer
	// blank are the texts that go as a whole.
	blank map[repo.Hash]bool
	// changed are texts that hold what is erased, clean those that do not.
	changed map[repo.Hash]changedText
	clean   map[repo.Hash]bool
	// becomes are the digests of changed by those that they had.
	becomes map[string]string
	out     Erased
}

// changedText is what a text becomes.
type changedText struct {
	blob repo.Hash
	// digest and was are the SHA-256 of the text as it becomes and as it was, hex.
	digest, was string
	size        int
}

// choose finds devices and revisions.
func (e *eraser) choose(ctx context.Context) error {
	texts := slices.Clone(e.cfg.Texts)
	slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // where one holds the other, the longer one goes
	pairs := make([]string, 0, 2*len(texts))
	for _, t := range texts {
		pairs = append(pairs, t, erasedMark)
	}
	e.replacer = strings.NewReplacer(pairs...)
	if len(e.cfg.Devices) > 0 {
		var err error
		e.devices, err = e.store.devicesNamed(ctx, e.cfg.Devices)
		return err
	}
	if len(e.cfg.Revisions) == 0 {
		return nil
	}
	rows, err := e.store.revisionsNamed(ctx, e.cfg.Revisions)
	if err != nil {
		return err
	}
	e.blank = map[repo.Hash]bool{}
	for _, r := range rows {
		if r.Number == 0 {
			return fmt.Errorf("%s is kept apart as a suspect and is not in the history; it goes when a later backup takes its place", r.ID)
		}
		h, err := repo.ParseHash(r.Blob)
		if err != nil {
			return err
		}
		e.blank[h] = true
		if !slices.Contains(e.devices, r.DeviceID) {
			e.devices = append(e.devices, r.DeviceID)
		}
	}
	return e.blankRemasked(ctx, rows)
}

// concerns tells whether a commit is one of the devices'.
func (e *eraser) concerns(c *repo.Commit) bool {
	if len(e.devices) == 0 {
		return true
	}
	o := originOf(c)
	return o != nil && slices.Contains(e.devices, o.device)
}

// text answers what a text of a repository becomes; false: it stays.
func (e *eraser) text(ctx context.Context, p *erasedPart, blob repo.Hash) (content []byte, changes bool, err error) {
	if e.clean[blob] {
		return nil, false, nil
	}
	if e.blank != nil && !e.blank[blob] {
		return nil, false, nil
	}
	was, err := p.in.Blob(ctx, blob)
	if err != nil {
		return nil, false, err
	}
	content = []byte(erasedMark + "\n")
	if e.blank == nil && !e.cfg.Whole {
		content = []byte(e.replacer.Replace(string(was)))
	}
	if string(content) == string(was) {
		e.clean[blob] = true
		return nil, false, nil
	}
	if _, known := e.changed[blob]; !known {
		e.changed[blob] = changedText{blob: repo.BlobName(content), digest: digestOf(content), was: digestOf(was), size: len(content)}
	}
	return content, true, nil
}

// scan counts, and finds the first commit of each repository that must be made again. It reads every text of the devices once in each.
func (e *eraser) scan(ctx context.Context) error {
	for _, p := range e.inOrder() {
		if err := e.scanPart(ctx, p); err != nil {
			return fmt.Errorf("repository %s: %w", p.in.name, err)
		}
	}
	e.out.Texts, e.becomes = len(e.changed), make(map[string]string, len(e.changed))
	for _, t := range e.changed {
		e.becomes[t.was] = t.digest
	}
	for _, p := range e.inOrder() {
		if err := e.affect(ctx, p); err != nil {
			return fmt.Errorf("repository %s: %w", p.in.name, err)
		}
		e.out.Affected += p.affected
	}
	e.cfg.Progress("looking", e.out.Commits, e.out.Commits)
	suspects, err := e.suspects(ctx)
	e.out.Suspects = len(suspects.Ids)
	return err
}

func (e *eraser) scanPart(ctx context.Context, p *erasedPart) error {
	if p.head.IsZero() {
		return nil
	}
	for c, err := range p.in.Log(ctx, repo.Hash{}, p.head) {
		if err != nil {
			return err
		}
		if e.out.Commits++; e.out.Commits%1000 == 0 {
			e.cfg.Progress("looking", e.out.Commits, 0)
		}
		p.commits++
		hit, err := e.holds(ctx, p, c)
		if err != nil {
			return fmt.Errorf("commit %s: %w", c.Hash, err)
		}
		if hit {
			p.hits[c.Hash] = true
		}
	}
	return nil
}

// affect finds the first commit of a repository that must be made again: one that has what is erased, or that tells the digest of a text in another repository that does.
func (e *eraser) affect(ctx context.Context, p *erasedPart) error {
	if p.head.IsZero() {
		return nil
	}
	for c, err := range p.in.Log(ctx, repo.Hash{}, p.head) {
		if err != nil {
			return err
		}
		if !p.hits[c.Hash] && (!e.concerns(c) || e.digests(c.Message) == c.Message) {
			continue
		}
		if p.affected == 0 {
			p.after = c.Parent
		}
		p.affected++
	}
	return nil
}

// holds tells whether a commit has what is erased.
func (e *eraser) holds(ctx context.Context, p *erasedPart, c *repo.Commit) (bool, error) {
	if !e.concerns(c) {
		return false, nil
	}
	files, err := p.in.ChangedFiles(ctx, c)
	if err != nil {
		return false, err
	}
	hit := e.cfg.Whole || e.message(c) != c.Message || e.author(c.Author) != c.Author
	for _, f := range files {
		if f.New.IsZero() {
			continue
		}
		_, changes, err := e.text(ctx, p, f.New)
		if err != nil {
			return false, err
		}
		if changes {
			hit, p.holds[f.New] = true, true
		}
	}
	return hit, nil
}

func (e *eraser) message(c *repo.Commit) string {
	if len(e.cfg.Texts) == 0 {
		return c.Message
	}
	return e.replacer.Replace(c.Message)
}

func (e *eraser) author(a repo.Signature) repo.Signature {
	if len(e.cfg.Texts) > 0 {
		a.Name = strings.ReplaceAll(e.replacer.Replace(a.Name), erasedMark, "erased") // git takes the brackets out of names
		a.Email = strings.ReplaceAll(e.replacer.Replace(a.Email), erasedMark, "erased")
	}
	return a
}
