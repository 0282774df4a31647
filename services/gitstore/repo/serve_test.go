package repo

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func serve(t *testing.T, r *Repo, o ServeOptions) string {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/git/configs.git", r.ServeGit(o)))
	t.Cleanup(s.Close)
	return s.URL + "/git/configs.git"
}

func TestCloneAndFetchOverHTTP(t *testing.T) {
	r := open(t, Options{})
	store(t, r, put("s/d/running.cfg", "one\n"))
	url := serve(t, r, ServeOptions{})
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, "", "clone", "-q", url, clone)
	var group []Change
	for i := range 300 {
		group = append(group, put(fmt.Sprintf("s/d%d/running.cfg", i), fmt.Sprint(i)))
	}
	store(t, r, group...)
	git(t, clone, "-c", "http.postBuffer=65536", "pull", "-q")
	data, err := os.ReadFile(filepath.Join(clone, "s", "d299", "running.cfg"))
	require.NoError(t, err)
	require.Equal(t, "299", string(data))
	shallow := filepath.Join(t.TempDir(), "shallow")
	git(t, "", "clone", "-q", "--depth=1", "--filter=blob:none", "--no-checkout", url, shallow)
}

func TestNothingButReadingIsServed(t *testing.T) {
	r := open(t, Options{})
	head := store(t, r, put("s/d/running.cfg", "one\n")).Head
	url := serve(t, r, ServeOptions{})
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, "", "clone", "-q", url, clone)
	git(t, clone, "commit", "-q", "--allow-empty", "-m", "mine")
	out, err := tryGit(clone, "push", url, "HEAD:main")
	require.Error(t, err, out)
	for _, path := range []string{
		"/info/refs?service=git-receive-pack", "/info/refs", "/HEAD", "/config", "/objects/info/packs", "/../other.git/HEAD",
		"/info/refs?service=git-upload-pack&service=git-receive-pack",
	} {
		res, err := http.Get(url + path)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.NotEqual(t, http.StatusOK, res.StatusCode, path)
		require.NotContains(t, string(body), head.String())
	}
	res, err := http.Post(url+"/git-receive-pack", "application/x-git-receive-pack-request", strings.NewReader("0000"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusForbidden, res.StatusCode)
}

func TestClonesAtOnceAreBounded(t *testing.T) {
	r := open(t, Options{})
	store(t, r, put("a", "1"))
	h := r.ServeGit(ServeOptions{AtOnce: 1}).(*gitServer)
	h.slots <- struct{}{} // somebody clones
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/info/refs?service=git-upload-pack", nil))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	<-h.slots
	w = httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/info/refs?service=git-upload-pack", nil)
	req.Header.Set("Authorization", "Basic c2VjcmV0")
	h.ServeHTTP(w, req)
	require.Equal(t, http.StatusOK, w.Code)
	require.Empty(t, h.request(req).Header.Get("Authorization"), "git never sees the password")
}
