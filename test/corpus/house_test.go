package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/secret"
)

// house is all of NetRaven in this process, with a private PostgreSQL and the agent `local`, called by REST.
type house struct {
	t     *testing.T
	base  string
	token string
}

func startHouse(t *testing.T) *house {
	t.Helper()
	const password = "the suite's own password"
	data, err := os.MkdirTemp("", "nr-corpus-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(data, 0o711)) // PostgreSQL may run as another user
	t.Cleanup(func() { _ = os.RemoveAll(data) })
	cfg := app.Default()
	cfg.Data, cfg.HTTP, cfg.GRPC, cfg.Agents, cfg.AdminPassword = data, "127.0.0.1:0", "off", "127.0.0.1:0", secret.NewString(password)
	running, err := app.Start(context.Background(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(running.Stop)
	require.Eventually(t, running.Ready, time.Minute, 20*time.Millisecond)
	h := &house{t: t, base: "http://" + running.HTTPAddr() + "/api/v1"}
	var pair struct {
		AccessToken string `json:"access_token"`
	}
	h.do("POST", "/auth/login", map[string]string{"username": "admin", "password": password}, &pair)
	h.token = pair.AccessToken
	return h
}

func (h *house) do(method, path string, body, out any) []byte {
	h.t.Helper()
	var in io.Reader
	if text, ok := body.(string); ok {
		in = strings.NewReader(text)
	} else if body != nil {
		b, err := json.Marshal(body)
		require.NoError(h.t, err)
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, h.base+path, in)
	require.NoError(h.t, err)
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(h.t, err)
	require.Equal(h.t, http.StatusOK, resp.StatusCode, "%s %s: %s", method, path, b)
	if out != nil {
		require.NoError(h.t, json.Unmarshal(b, out))
	}
	return b
}

type runAnswer struct {
	ID     string
	State  string
	Counts struct{ Succeeded, Changed, Failed int }
}

// backup runs a backup of everything to its end.
func (h *house) backup() runAnswer {
	h.t.Helper()
	var r runAnswer
	h.do("POST", "/runs", map[string]any{"kind": "backup", "all": true}, &r)
	require.Eventually(h.t, func() bool {
		h.do("GET", "/runs/"+r.ID, nil, &r)
		return r.State == "SUCCEEDED" || r.State == "PARTIAL" || r.State == "FAILED"
	}, 2*time.Minute, 50*time.Millisecond)
	if r.State != "SUCCEEDED" {
		h.t.Logf("%s", h.do("GET", "/runs/"+r.ID+"/tasks", nil, nil))
	}
	return r
}

// The recorded devices go through the real agent and every service, and what is kept of them is whole.
func TestRecordedSessionsGoThroughTheHouse(t *testing.T) {
	dir := here(t)
	var sessions []*recorded
	for _, r := range recordings(t, dir) {
		if page, ok := r.page(); ok && r.command(page) != "" && explained[r.Name] == "" {
			sessions = append(sessions, r)
		}
	}
	ports := replay(t, dir)
	h := startHouse(t)
	h.do("POST", "/credentials", map[string]any{"name": "replay", "username": "netraven", "password": "netraven", "enable": "LOGIN_PASSWORD", "tags": []string{"default"},
		"logins_per_second": 1000, "max_in_flight": 50}, nil)
	csv := "name,address,platform,port\n"
	for _, r := range sessions {
		csv += fmt.Sprintf("%s,127.0.0.1,%s,%d\n", r.Name, r.Platform, ports[r.Name])
	}
	var imported struct{ Rows []struct{ ID, Name string } }
	h.do("POST", "/devices:import?format=csv", csv, &imported)
	require.Len(t, imported.Rows, len(sessions))

	first := h.backup()
	require.Equal(t, "SUCCEEDED", first.State)
	require.Equal(t, len(sessions), first.Counts.Changed)
	for i, r := range sessions {
		page, _ := r.page()
		var revisions struct{ Items []struct{ ID string } }
		h.do("GET", "/devices/"+imported.Rows[i].ID+"/revisions?artifact="+page.Main().Name, nil, &revisions)
		require.Len(t, revisions.Items, 1, r.Name)
		original := h.do("GET", "/revisions/"+revisions.Items[0].ID+"/content?view=restorable", nil, nil)
		requireHolds(t, page.Main(), original, r.want(r.command(page)))
		require.NotContains(t, string(original), "\r", r.Name)
	}
	second := h.backup()
	require.Equal(t, len(sessions), second.Counts.Succeeded)
	require.Zero(t, second.Counts.Changed, "the same recordings again are no change")
}
