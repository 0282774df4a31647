package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
)

const (
	gitPath    = "/git/"
	uploadPack = "git-upload-pack"
	// maxGitBody bounds what git says it has.
	maxGitBody = 16 << 20
	// gitStall ends a transfer whose client neither sends nor takes anything.
	gitStall = time.Minute
	// gitChunk is what travels in one message.
	gitChunk = 32 << 10
)

// gitFront serves git's smart HTTP protocol for reading. Git shows people the text of a refusal, so refusals are plain text here.
type gitFront struct {
	clone gitstorev1.CloneServiceClient
	auth  authv1.AuthServiceClient
	mux   *runtime.ServeMux
	log   *slog.Logger
}

// ServeHTTP relays one request of git's to gitstore, as the user whose name and password, or access token, it carries.
func (g *gitFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, ok := gitStart(r)
	if !ok {
		g.refuse(w, r, errs.New(codes.PermissionDenied, "READ_ONLY", "this repository can be cloned and fetched from with git's smart HTTP protocol, and not written to"))
		return
	}
	ctx, leave, err := g.signIn(r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	defer leave()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := g.clone.Fetch(ctx)
	if err == nil {
		err = stream.Send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Start_{Start: start}})
	}
	if err != nil && !errors.Is(err, io.EOF) { // EOF: refused already; the answer says why
		g.refuse(w, r, err)
		return
	}
	ctl := http.NewResponseController(w)
	_ = ctl.EnableFullDuplex() // git may be answered before all of its request is read; HTTP/2 needs no leave for that
	sent := make(chan struct{})
	send := func() {
		defer close(sent)
		if err := sendBody(ctl, r, stream); err != nil {
			cancel(err)
		}
	}
	if start.GetRefs() {
		send() // no body: nothing to wait for
	} else {
		go send()
	}
	begun, err := answerGit(ctl, w, start, stream)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if err != nil {
		stopReading(ctl, w, sent)
	}
	<-sent
	_ = ctl.SetReadDeadline(time.Time{})
	_ = ctl.SetWriteDeadline(time.Time{})
	switch {
	case err != nil && begun:
		g.log.WarnContext(ctx, "a clone was cut off", "trace_id", grpcx.TraceID(r.Context()), "err", err)
		panic(http.ErrAbortHandler) // the client must see that it is not the whole
	case err != nil:
		g.refuse(w, r, err)
	}
}

// stopReading ends the reading of a request that has been refused. A connection whose reading was cut is of no further use.
func stopReading(ctl *http.ResponseController, w http.ResponseWriter, sent <-chan struct{}) {
	select {
	case <-sent:
	default:
		w.Header().Set("Connection", "close")
		_ = ctl.SetReadDeadline(time.Unix(1, 0))
	}
}

// gitStart is what a request is about; false when it is none that reads.
func gitStart(r *http.Request) (*gitstorev1.FetchRequest_Start, bool) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, gitPath), "/")
	start := &gitstorev1.FetchRequest_Start{Repository: strings.TrimSuffix(name, ".git"), Protocol: r.Header.Get("Git-Protocol"), Gzip: r.Header.Get("Content-Encoding") == "gzip"}
	start.Refs = r.Method == http.MethodGet && path == "info/refs" && r.URL.RawQuery == "service="+uploadPack
	return start, start.GetRefs() || r.Method == http.MethodPost && path == uploadPack
}

// signIn answers the context of a call as the user. A password that is no access token is signed in with, for this request only.
func (g *gitFront) signIn(r *http.Request) (ctx context.Context, leave func(), err error) {
	user, password, basic := r.BasicAuth()
	plain := r.Clone(r.Context())
	as := func(token string) (context.Context, error) {
		if token != "" {
			plain.Header.Set("Authorization", "Bearer "+token)
		}
		return runtime.AnnotateContext(r.Context(), g.mux, plain, gitstorev1.CloneService_Fetch_FullMethodName)
	}
	stay := func() {}
	switch {
	case !basic: // a bearer token, or nobody
		ctx, err = as("")
		return ctx, stay, err
	case strings.Count(password, ".") == 2 && strings.HasPrefix(password, "eyJ"):
		ctx, err = as(password)
		return ctx, stay, err
	}
	plain.Header.Del("Authorization")
	if ctx, err = as(""); err != nil {
		return nil, nil, err
	}
	pair, err := g.auth.Login(ctx, &authv1.LoginRequest{Username: user, Password: password})
	if err != nil {
		return nil, nil, err
	}
	if ctx, err = as(pair.GetAccessToken()); err != nil {
		return nil, nil, err
	}
	return ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := g.auth.Logout(ctx, &authv1.LogoutRequest{}); err != nil {
			g.log.WarnContext(ctx, "the session of a clone was not ended; it ends by itself", "err", err)
		}
	}, nil
}

// sendBody sends the request's body and says that it was all.
func sendBody(ctl *http.ResponseController, r *http.Request, stream gitstorev1.CloneService_FetchClient) error {
	buf := make([]byte, gitChunk)
	for {
		_ = ctl.SetReadDeadline(time.Now().Add(gitStall))
		n, err := r.Body.Read(buf)
		if n > 0 {
			if err := stream.Send(&gitstorev1.FetchRequest{Part: &gitstorev1.FetchRequest_Data{Data: buf[:n]}}); err != nil {
				return nil //nolint:nilerr // the call has ended; its answer says why
			}
		}
		if errors.Is(err, io.EOF) {
			_ = ctl.SetReadDeadline(time.Time{}) // from here on the server watches for the client to leave
			return stream.CloseSend()
		}
		if err != nil {
			return fromGateway(err)
		}
	}
}

// answerGit relays the answer, and tells whether any of it went out.
func answerGit(ctl *http.ResponseController, w http.ResponseWriter, start *gitstorev1.FetchRequest_Start, stream grpc.BidiStreamingClient[gitstorev1.FetchRequest, gitstorev1.FetchResponse]) (begun bool, err error) {
	kind := "result"
	if start.GetRefs() {
		kind = "advertisement"
	}
	for {
		part, err := stream.Recv()
		if err != nil && !errors.Is(err, io.EOF) {
			return begun, err
		}
		if !begun {
			w.Header().Set("Content-Type", "application/x-"+uploadPack+"-"+kind)
			w.WriteHeader(http.StatusOK)
			begun = true
		}
		if err != nil {
			return begun, nil
		}
		_ = ctl.SetWriteDeadline(time.Now().Add(gitStall))
		if _, err := w.Write(part.GetData()); err != nil {
			return begun, err
		}
	}
}

func (g *gitFront) refuse(w http.ResponseWriter, r *http.Request, err error) {
	typed := errs.From(err)
	switch errs.Code(typed) {
	case codes.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Basic realm="NetRaven"`)
	case codes.Unavailable:
		w.Header().Set("Retry-After", "10")
		fallthrough
	case codes.Internal:
		g.log.WarnContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "trace_id", grpcx.TraceID(r.Context()), "err", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(httpStatus(errs.Code(typed)))
	_, _ = io.WriteString(w, typed.Message()+"\n")
}
