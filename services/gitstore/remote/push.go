package remote

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// maxHaves bounds what git is told that a server has beside the branch: more only makes a pack smaller.
const maxHaves = 100

// Outcome is what there is to know after a push.
type Outcome struct {
	// HostKey is the SSH server's key, as ParseHostKeys reads it, where it took our key; empty for HTTPS.
	HostKey string
}

// Push brings the server's branch to head, which r has; a zero head only looks whether the server lets us, and has no such branch. It never forces, and it may be repeated: a server that has head gets nothing. It blocks for as long as the limits
// allow. Errors are *Failure, and ctx's own when the caller ended it.
func Push(ctx context.Context, r *repo.Repo, head repo.Hash, t Target, l Limits) (Outcome, error) {
	l = l.orDefaults()
	ctx, w, stop := watched(ctx, l)
	defer stop()
	keys := &hostKeys{host: t.Address.Host, known: t.HostKeys}
	way, err := open(ctx, t, l, w, keys)
	if err != nil {
		return Outcome{}, broken(ctx, t.Address.Host, err)
	}
	defer way.close()
	out := Outcome{HostKey: keys.line()}
	if err := push(ctx, r, head, t, way, w); err != nil {
		return out, broken(ctx, t.Address.Host, err)
	}
	return out, nil
}

func open(ctx context.Context, t Target, l Limits, w *watch, keys *hostKeys) (way, error) {
	if t.Address.SSH {
		s, err := openSSH(ctx, t, l, w, keys)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	h, err := openHTTPS(ctx, t, l, w)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func push(ctx context.Context, r *repo.Repo, head repo.Hash, t Target, way way, w *watch) error {
	there, err := readRefs(way.refs(), t)
	if err != nil {
		return early(ctx, t, way, err)
	}
	if there.branch == head {
		return nil
	}
	if !there.has("report-status") || there.has("object-format=sha256") {
		return failed(Refused, "%s does not report what a push did, or keeps its history in another format than SHA-1", t.Address.Host)
	}
	if forward, err := r.LeadsTo(ctx, there.branch, head); err != nil {
		return local(ctx, err)
	} else if !forward {
		return diverged(t)
	}
	making, stop := context.WithCancel(ctx)
	pack, made := packOf(making, r, head, there)
	request := io.MultiReader(strings.NewReader(command(there, head)), &watchedReader{pack, w})
	reply, err := way.send(request)
	var rep *report
	if err == nil {
		rep, err = readReport(reply, there)
	}
	stop()
	_ = pack.Close()
	if packErr := <-made; err != nil && packErr != nil && ctx.Err() == nil && !errors.Is(packErr, io.ErrClosedPipe) && !errors.Is(packErr, context.Canceled) {
		return local(ctx, packErr) // the server only saw a pack that was cut short
	}
	if errors.Is(err, errFatal) {
		return refused(t, "it gave up", rep.said.String())
	}
	if err != nil {
		return early(ctx, t, way, err)
	}
	return rep.verdict(t)
}

// local is a failure on our side.
func local(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return failed(Local, "the history could not be read to push it; the server's log says why").because(err)
}

// early is what it means that a server ends in the middle. Over SSH it says why beside the protocol.
func early(ctx context.Context, t Target, way way, err error) error {
	said := way.said()
	if ctx.Err() != nil || said == "" {
		return err
	}
	if _, ok := errors.AsType[*Failure](err); ok {
		return err
	}
	return failed(Refused, "%s does not take the push: is the path right, and may this user write there? It says: %s", t.Address.Host, said).because(err)
}

// packOf has git make the pack; made tells how that ended.
func packOf(ctx context.Context, r *repo.Repo, head repo.Hash, there *advertised) (*io.PipeReader, <-chan error) {
	out, in := io.Pipe()
	made := make(chan error, 1)
	go func() {
		have := append([]repo.Hash{there.branch}, there.tips[:min(len(there.tips), maxHaves)]...)
		err := r.SendPack(ctx, in, head, have, repo.PackOptions{Offsets: there.has("ofs-delta"), Whole: there.has("no-thin")})
		in.CloseWithError(err)
		made <- err
	}()
	return out, made
}
