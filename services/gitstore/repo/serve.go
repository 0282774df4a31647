package repo

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cgi" //nolint:gosec // Go's cgi drops the Proxy header
	"os/exec"
	"path/filepath"
	"time"
)

// ServeOptions bound the clones and fetches of one repository. The zero value is right for use.
type ServeOptions struct {
	// AtOnce is how many git processes may run; further requests get 503 with Retry-After. Default 8.
	AtOnce int
	// Slots bound the processes of several repositories together, as many as it holds; AtOnce is not looked at then.
	Slots chan struct{}
	// Timeout ends a transfer. Default 1 h.
	Timeout time.Duration
	// MaxRequest bounds a request's body in bytes: a fetch says what it has. Default 16 MiB.
	MaxRequest int64
	// Log hears what git complains about. Default slog.Default().
	Log *slog.Logger
	// Damaged is told when git takes the repository for damaged; it does not say where. Default: nobody.
	Damaged func()
}

// ServeGit is git's smart HTTP protocol for reading: clone, fetch, ls-remote. The paths it answers are relative ("/info/refs",
// "/git-upload-pack"): the caller strips what stands before them, and has decided that this person may read the whole repository.
// There is no way to write: receive-pack is neither routed nor allowed by git's configuration, and there are no plain file downloads.
func (r *Repo) ServeGit(o ServeOptions) http.Handler {
	s := &gitServer{repo: r, o: o}
	if s.o.AtOnce <= 0 {
		s.o.AtOnce = 8
	}
	if s.o.Timeout <= 0 {
		s.o.Timeout = time.Hour
	}
	if s.o.MaxRequest <= 0 {
		s.o.MaxRequest = 16 << 20
	}
	if s.o.Log == nil {
		s.o.Log = slog.Default()
	}
	if s.o.Damaged == nil {
		s.o.Damaged = func() {}
	}
	if s.slots = o.Slots; s.slots == nil {
		s.slots = make(chan struct{}, s.o.AtOnce)
	}
	return s
}

type gitServer struct {
	repo  *Repo
	o     ServeOptions
	slots chan struct{}
}

func (s *gitServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	const service = "git-upload-pack"
	refs := req.Method == http.MethodGet && req.URL.Path == "/info/refs" && req.URL.RawQuery == "service="+service
	pack := req.Method == http.MethodPost && req.URL.Path == "/"+service
	if !refs && !pack {
		http.Error(w, "this repository can be cloned and fetched from with git's smart HTTP protocol, and not written to", http.StatusForbidden)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many clones at once; try again in a few seconds", http.StatusServiceUnavailable)
		return
	}
	s.run(w, req)
}

func (s *gitServer) run(w http.ResponseWriter, req *http.Request) {
	program, err := exec.LookPath(s.repo.opts.Git)
	if err != nil {
		s.o.Log.ErrorContext(req.Context(), "git program not found", "err", err)
		http.Error(w, "the git program is not installed on the server", http.StatusInternalServerError)
		return
	}
	until := time.Now().Add(s.o.Timeout)
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(until) // a writer without deadlines (tests) has none to set
	_ = ctl.SetWriteDeadline(until)
	h := &cgi.Handler{
		Path: program, Args: []string{"http-backend"}, Dir: s.repo.dir, Stderr: complaints{s.o.Log, s.o.Damaged},
		Env: append(gitEnv(),
			"GIT_PROJECT_ROOT="+filepath.Dir(s.repo.dir), "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_1=http.receivepack", "GIT_CONFIG_VALUE_1=false"),
	}
	s.repo.reading.RLock()
	defer s.repo.reading.RUnlock()
	h.ServeHTTP(w, s.request(req))
}

// request is what git gets to see: the path git expects, the headers of its protocol, and no credentials.
func (s *gitServer) request(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	out.URL.Path = "/" + filepath.Base(s.repo.dir) + req.URL.Path
	out.URL.RawPath = ""
	out.TransferEncoding = nil // cgi refuses chunked bodies, which git sends when they are long; http-backend reads to the end
	out.Header = http.Header{}
	for _, name := range []string{"Accept", "Accept-Encoding", "Content-Type", "Content-Encoding", "Git-Protocol"} {
		if v := req.Header.Get(name); v != "" {
			out.Header.Set(name, v)
		}
	}
	if req.Body != nil {
		out.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(req.Body, s.o.MaxRequest), req.Body}
	}
	return out
}

// complaints turns git's standard error into log lines.
type complaints struct {
	log     *slog.Logger
	damaged func()
}

func (c complaints) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("possible repository corruption")) { // its words when a pack cannot be made
		c.damaged()
	}
	c.log.Warn("git http-backend", "said", oneLine(string(p)))
	return len(p), nil
}
