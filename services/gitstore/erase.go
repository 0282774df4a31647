package gitstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// EraseConfig says what is to be removed from a history. Exactly one of Texts, Revisions and Whole.
type EraseConfig struct {
	// Dir is that of Config.
	Dir string
	// Devices are names, SITE/NAME or ids; empty: all. Whole needs some.
	Devices []string
	// Texts go from all masked texts, messages and authors of these devices, wherever they stand.
	Texts []string
	// Revisions are ids: their texts go as a whole, also where the same device has the same text again.
	Revisions []string
	// Whole: all that there is of the devices.
	Whole bool
	// DryRun only counts.
	DryRun bool
	// Progress is told what is done. Nil: nobody asks.
	Progress func(stage string, done, total int)

	// broken is called after each step by tests; an error ends all there, as a kill would.
	broken func(step string) error
}

// Erased says what was found, and removed unless it was a dry run.
type Erased struct {
	DryRun bool `json:"dry_run"`
	// Commits there are, those that hold what is erased, and those that got another name by it or are gone.
	Commits   int `json:"commits"`
	Affected  int `json:"affected_commits"`
	Rewritten int `json:"rewritten_commits"`
	// Texts are different ones that hold it; Suspects are kept apart.
	Texts    int `json:"texts"`
	Suspects int `json:"suspects"`
	// Newest are the artifacts whose newest text holds it, as DEVICE-ID/ARTIFACT: the next backup brings it back unless a rule masks it by then.
	Newest []string `json:"newest"`
	// Repositories are those that were made again.
	Repositories []ErasedHead `json:"repositories"`
}

// ErasedHead says where the branch of a repository was and is, hex.
type ErasedHead struct {
	Name    string `json:"name"`
	OldHead string `json:"old_head"`
	NewHead string `json:"new_head"`
}

// minErased is the shortest text that is erased: shorter ones stand everywhere.
const minErased = 4

// Erase makes the history again without something: each repository that has it, from its first commit on that does. The order: new packs; one transaction that moves all heads and the
// index; the branches; away with all that is old. Killed or failed before the transaction, nothing has happened; after it, the next Erase or New goes on. Of the
// dependencies it needs Pool. Nobody else may use repositories and database meanwhile. It blocks for long.
func Erase(ctx context.Context, cfg EraseConfig, d Deps) (*Erased, error) {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, int, int) {}
	}
	if cfg.broken == nil {
		cfg.broken = func(string) error { return nil }
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &eraser{cfg: cfg, store: newStore(d.Pool), now: d.Now, devices: []uuid.UUID{}, changed: map[repo.Hash]changedText{}, clean: map[repo.Hash]bool{}, parts: map[string]*erasedPart{}}
	var err error
	if e.repos, err = openRepositories(ctx, e.store, cfg.Dir, d.FS, d.Log, nil); err != nil {
		return nil, err
	}
	defer e.repos.close() //nolint:errcheck // closing only lets go
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	if err := e.scan(ctx); err != nil {
		return nil, err
	}
	if err := e.newest(ctx); err != nil {
		return nil, err
	}
	if err := e.mustOwnTexts(ctx); err != nil {
		return nil, err
	}
	if cfg.DryRun || e.out.Affected == 0 && e.out.Suspects == 0 && !cfg.Whole {
		return &e.out, nil
	}
	return &e.out, e.carryOut(ctx)
}

func (c EraseConfig) validate() error {
	kinds := 0
	for _, given := range []bool{len(c.Texts) > 0, len(c.Revisions) > 0, c.Whole} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errors.New("say what is to be erased: texts, revisions, or all of some devices; one of these at a time")
	case c.Whole && len(c.Devices) == 0:
		return errors.New("name the devices of which all is to be erased")
	case len(c.Revisions) > 0 && len(c.Devices) > 0:
		return errors.New("a revision is of one device: name no device beside it")
	}
	for i, t := range c.Texts {
		if len(t) < minErased || strings.ContainsAny(t, "\n\x00") {
			return fmt.Errorf("text %d has less than %d bytes, or is no single line", i+1, minErased)
		}
		if strings.Contains(erasedMark, t) {
			return fmt.Errorf("text %d stands in %s, which is written instead", i+1, erasedMark)
		}
	}
	return nil
}

// open checks that history and database belong together, goes on with what broke off, and finds the devices.
func (e *eraser) open(ctx context.Context) error {
	if err := finishErase(ctx, e.repos, e.store, e.cfg.Dir, e.now(), e.cfg.broken); err != nil {
		return err
	}
	heads, _, err := e.store.heads(ctx)
	if err != nil {
		return err
	}
	for _, in := range e.repos.all() {
		p := &erasedPart{in: in, head: heads[in.name], hits: map[repo.Hash]bool{}, holds: map[repo.Hash]bool{}}
		if err := p.mustBeWhole(ctx); err != nil {
			return err
		}
		e.parts[in.name] = p
	}
	e.out = Erased{DryRun: e.cfg.DryRun, Newest: []string{}, Repositories: []ErasedHead{}}
	return e.choose(ctx)
}

// carryOut does what scan has found.
func (e *eraser) carryOut(ctx context.Context) error {
	affected, err := e.rewriteAll(ctx)
	if err != nil {
		return err
	}
	if err := e.cfg.broken("packs"); err != nil {
		return err
	}
	rows, err := e.rows(ctx)
	if err != nil {
		return err
	}
	rows.at, rows.parts, rows.whole = e.now(), affected, e.cfg.Whole
	rows.dropOriginals, rows.devices = len(e.cfg.Revisions) > 0, e.devices
	if e.cfg.Whole {
		if rows.covered, err = e.stillCovered(ctx); err != nil {
			return err
		}
	}
	if err := e.store.recordErasure(ctx, rows); err != nil {
		return err
	}
	if err := e.cfg.broken("database"); err != nil {
		return err
	}
	for _, p := range affected {
		e.out.Rewritten += len(p.made.Commits)
		e.out.Repositories = append(e.out.Repositories, ErasedHead{Name: p.in.name, OldHead: headText(p.head), NewHead: headText(p.made.Head)})
	}
	e.cfg.Progress("packs are written", 0, 0)
	return finishErase(ctx, e.repos, e.store, e.cfg.Dir, e.now(), e.cfg.broken)
}
