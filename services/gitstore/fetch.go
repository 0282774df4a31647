package gitstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

const (
	uploadPack = "git-upload-pack"
	// fetchTime bounds one request of git's.
	fetchTime = time.Hour
	// clonesAtOnce is how many git processes may run for clones and fetches.
	clonesAtOnce = 8
)

// protocolText is what git says of the protocol's version.
var protocolText = regexp.MustCompile(`^[a-z0-9=:._-]{0,64}$`)

// Fetch answers one request of git's smart HTTP protocol.
func (s *Service) Fetch(stream gitstorev1.CloneService_FetchServer) error {
	ctx, cancel := context.WithTimeout(stream.Context(), fetchTime)
	defer cancel()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	start := first.GetStart()
	if start == nil || !protocolText.MatchString(start.GetProtocol()) {
		return errs.Invalid("start", "GIT_REQUEST_INVALID", "a request begins with its start, and protocol is what git says in Git-Protocol")
	}
	from, err := s.repos.get(start.GetRepository())
	if err != nil {
		return err
	}
	body := bufio.NewReader(&fetchBody{stream: stream})
	refs := start.GetRefs() || asksForRefs(body) // a request that stalls before it has begun waits here, where it is in nobody's way
	leave, err := s.fetchers.enter(authn.FromContext(ctx).Actor())
	if err != nil {
		return err
	}
	if !refs {
		if err := s.auditLine(ctx, "config.clone", "repository", from.name, "OK", nil); err != nil {
			leave()
			return err
		}
	}
	out := &fetchAnswer{stream: stream}
	done := make(chan struct{})
	go func() { // it ends at the latest when the call has ended, for then neither body nor answer can go on
		defer close(done)
		defer leave()
		from.clones.ServeHTTP(out, fetchRequest(ctx, start, body))
	}()
	select {
	case <-done:
		return out.err()
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errs.New(codes.DeadlineExceeded, "CLONE_TOO_LONG", "the transfer took more than %s and was ended", fetchTime)
		}
		return ctx.Err()
	}
}

// asksForRefs tells whether a body asks for the list of refs only, as protocol 2 does before it asks for a pack.
func asksForRefs(body *bufio.Reader) bool {
	const command = "command=ls-refs"
	head, _ := body.Peek(4 + len(command)) // a pkt-line: four digits, then the command
	return len(head) > 4 && bytes.Equal(head[4:], []byte(command))
}

// fetchRequest is the request as git's program is used to get it.
func fetchRequest(ctx context.Context, start *gitstorev1.FetchRequest_Start, body io.Reader) *http.Request {
	req := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/" + uploadPack}, Host: "netraven", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(body), ContentLength: -1}
	req.Header.Set("Content-Type", "application/x-"+uploadPack+"-request")
	if start.GetRefs() {
		req.Method, req.URL, req.Header = http.MethodGet, &url.URL{Path: "/info/refs", RawQuery: "service=" + uploadPack}, http.Header{}
		req.Body, req.ContentLength = http.NoBody, 0
	}
	if start.GetGzip() {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if p := start.GetProtocol(); p != "" {
		req.Header.Set("Git-Protocol", p)
	}
	return req.WithContext(ctx)
}

// fetchBody reads the parts of the body.
type fetchBody struct {
	stream grpc.BidiStreamingServer[gitstorev1.FetchRequest, gitstorev1.FetchResponse]
	rest   []byte
}

func (b *fetchBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		in, err := b.stream.Recv()
		if err != nil {
			return 0, err // io.EOF: the whole body was there
		}
		b.rest = in.GetData()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// fetchAnswer sends what git answers, and keeps what it says when it refuses.
type fetchAnswer struct {
	stream grpc.BidiStreamingServer[gitstorev1.FetchRequest, gitstorev1.FetchResponse]
	header http.Header
	status int
	said   []byte
	failed error
}

// Header is not looked at: what git's answers are is known.
func (a *fetchAnswer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader takes git's verdict.
func (a *fetchAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write sends a part of the answer. An error ends git.
func (a *fetchAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.status != http.StatusOK {
		a.said = append(a.said, p[:min(len(p), 1024-min(len(a.said), 1024))]...)
		return len(p), nil
	}
	if err := a.stream.Send(&gitstorev1.FetchResponse{Data: p}); err != nil {
		a.failed = err
		return 0, err
	}
	return len(p), nil
}

func (a *fetchAnswer) err() error {
	said := errors.New(http.StatusText(a.status) + ": " + string(a.said))
	switch {
	case a.failed != nil:
		return a.failed
	case a.status == http.StatusOK:
		return nil
	case a.status == http.StatusServiceUnavailable:
		return errs.New(codes.Unavailable, "TOO_MANY_CLONES", "%d clones are running already; try again in some seconds", clonesAtOnce).Wrap(said)
	case a.status >= 400 && a.status < 500:
		return errs.New(codes.InvalidArgument, "GIT_REQUEST_INVALID", "git cannot read this request").Wrap(said)
	default:
		return errs.New(codes.Unavailable, "GIT_UNAVAILABLE", "the git program on the server did not answer; the server's log says why").Wrap(said)
	}
}
