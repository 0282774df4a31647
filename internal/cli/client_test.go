package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// run executes the real commands in this process and answers what they print and the exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	root := &cobra.Command{Use: "netraven"}
	root.AddCommand(Commands()...)
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetIn(strings.NewReader(""))
	root.SetArgs(args)
	code = Run(context.Background(), root)
	return out.String(), errs.String(), code
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"items":[{"name":"default","device_count":3,"field_of_tomorrow":1}],"next_page_token":""}`)
	}))
	t.Cleanup(s.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))

	out, _, code := run(t, "tag", "list", "--server", s.URL, "--ca", ca)
	require.Equal(t, ExitOK, code)
	require.Equal(t, "NAME     DEVICES\ndefault  3\n", out)

	_, said, code := run(t, "tag", "list", "--server", s.URL)
	require.Equal(t, ExitFailure, code)
	require.Contains(t, said, "signed by an authority this machine does not know. Pass that authority's certificate with --ca FILE")

	_, said, _ = run(t, "tag", "list", "--server", strings.Replace(s.URL, "https", "http", 1))
	require.Contains(t, said, "speaks HTTPS; use --server https://")
}

func TestWhatIsNotANetRavenServer(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>\x1b[2J", http.StatusBadGateway) })
	_, said, code := run(t, "tag", "list", "--server", plain.URL)
	require.Equal(t, ExitFailure, code)
	require.Contains(t, said, "did not answer like a NetRaven server (HTTP status 502)")
	require.NotContains(t, said, "\x1b")

	_, said, _ = run(t, "tag", "list", "--server", strings.Replace(plain.URL, "http", "https", 1))
	require.Contains(t, said, "speaks plain HTTP; use --server http://")

	html := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	_, said, code = run(t, "tag", "list", "--server", html.URL)
	require.Equal(t, ExitFailure, code)
	require.Contains(t, said, "not a list")
}

func TestATokenDoesNotFollowARedirect(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	_, said, code := run(t, "whoami", "--server", s.URL, "--token", "t0ken")
	require.Equal(t, ExitFailure, code)
	require.Contains(t, said, "HTTP status 307")
}

func TestAListThatDoesNotEnd(t *testing.T) {
	for name, page := range map[string]string{
		"same token": `{"items":[{"name":"a"}],"next_page_token":"again"}`,
		"no rows":    `{"items":[],"next_page_token":"more"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) })
			_, said, code := run(t, "tag", "list", "--server", s.URL)
			require.Equal(t, ExitFailure, code)
			require.Contains(t, said, "does not end")
		})
	}
}

func TestErrorsAreWholeAndSafe(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"code":"ALREADY_EXISTS","reason":"SITE_EXISTS","message":"taken\u001b[31m","details":[{"field":"name","reason":"TAKEN","message":"choose another"}],"trace_id":"abc"}`)
	})
	out, said, code := run(t, "site", "add", "hq", "--server", s.URL)
	require.Equal(t, ExitFailure, code)
	require.Empty(t, out)
	require.Equal(t, "error: taken\n  name: choose another (TAKEN)\nALREADY_EXISTS/SITE_EXISTS, trace id abc\n", said)
}

func TestPatchCarriesExactlyWhatWasGiven(t *testing.T) {
	const id = "00000000-0000-7000-8000-000000000009"
	var got string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		got = r.Method + " " + r.URL.Path + " " + b.String()
		fmt.Fprint(w, `{"id":"`+id+`","name":"x"}`)
	})
	for want, args := range map[string][]string{
		`PATCH /api/v1/devices/` + id + ` {"description":"","enabled":false,"ssh":{"host_key_policy":"STRICT","legacy":false},"tags":[]}`: {"device", "set", id,
			"--description=", "--enabled=false", "--host-key-policy=strict", "--legacy-ssh=false", "--tag="},
		`PATCH /api/v1/gateways/` + id + ` {"max_sessions":0}`: {"gateway", "set", id, "--max-sessions=0"},
		`PATCH /api/v1/jobs/` + id + ` {"params":{"commands":["show version"],"note":"a=b","times":3}}`: {"job", "set", id,
			"--param", `commands=["show version"]`, "--param", "note=a=b", "--param", "times=3"},
		`PATCH /api/v1/schedules/` + id + ` {"at":"2026-05-01T01:00:00Z","cron":""}`: {"schedule", "set", id, "--cron=", "--at=2026-05-01T03:00:00+02:00"},
	} {
		_, said, code := run(t, append(args, "--server", s.URL)...)
		require.Equal(t, ExitOK, code, said)
		require.Equal(t, want, got)
	}
}

func TestTheServerComesFromFlagThenEnvironment(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"items":[{"name":%q}]}`, r.Header.Get("Authorization"))
	})
	t.Setenv("NETRAVEN_SERVER", strings.TrimPrefix(s.URL, "http://")+"/")
	t.Setenv("NETRAVEN_TOKEN", "from-environment")
	out, _, _ := run(t, "tag", "list")
	require.Contains(t, out, "Bearer from-environment")
	out, _, _ = run(t, "tag", "list", "--token", "from-flag")
	require.Contains(t, out, "Bearer from-flag")
	_, said, _ := run(t, "tag", "list", "--server", "http://127.0.0.1:1")
	require.Contains(t, said, "127.0.0.1:1")
}
