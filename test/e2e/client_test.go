package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// object is a JSON object as a script sees it.
type object = map[string]any

// client is a script that talks REST.
type client struct {
	t     *testing.T
	base  string
	token string
}

// call sends a request and answers status and body.
func (c *client) call(method, path string, body any) (int, object) {
	c.t.Helper()
	status, b := c.raw(method, path, body)
	out := object{}
	if len(b) > 0 {
		require.NoError(c.t, json.Unmarshal(b, &out), "%s %s: %s", method, path, b)
	}
	return status, out
}

func (c *client) raw(method, path string, body any) (int, []byte) {
	c.t.Helper()
	var in io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(body)
	default:
		b, err := json.Marshal(body)
		require.NoError(c.t, err)
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, c.base+path, in)
	require.NoError(c.t, err)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.NotEmpty(c.t, resp.Header.Get("X-Trace-Id"))
	return resp.StatusCode, b
}

// do is a call that must succeed.
func (c *client) do(method, path string, body any) object {
	c.t.Helper()
	status, out := c.call(method, path, body)
	require.Equal(c.t, http.StatusOK, status, "%s %s: %v", method, path, out)
	return out
}

// refused is a call that must fail in the one shape of errors.
func (c *client) refused(status int, reason, method, path string, body any) object {
	c.t.Helper()
	got, out := c.call(method, path, body)
	require.Equal(c.t, status, got, "%s %s: %v", method, path, out)
	require.Equal(c.t, reason, out["reason"], "%s %s: %v", method, path, out)
	for _, field := range []string{"code", "message", "details", "trace_id"} {
		require.Contains(c.t, out, field)
	}
	for _, leak := range []string{"pgx", "SQLSTATE", "rpc error", "goroutine", ".go:"} {
		require.NotContains(c.t, fmt.Sprint(out), leak)
	}
	return out
}

func (c *client) items(path string) []object {
	c.t.Helper()
	var out []object
	for token := ""; ; {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		page := c.do("GET", path+sep+"page_token="+token, nil)
		for _, i := range page["items"].([]any) {
			out = append(out, i.(object))
		}
		if token = page["next_page_token"].(string); token == "" {
			return out
		}
	}
}

const adminPassword = "a new password of ours 1"

// signIn goes through the first sign-in, as a person does after the first start.
func (d *deployment) signIn() *client {
	d.t.Helper()
	c := &client{t: d.t, base: "http://" + d.http}
	file := filepath.Join(d.data, "admin-password")
	info, err := os.Stat(file)
	require.NoError(d.t, err)
	require.Equal(d.t, os.FileMode(0o600), info.Mode().Perm())
	b, err := os.ReadFile(file)
	require.NoError(d.t, err)
	first := strings.TrimSpace(string(b))
	c.refused(401, "WRONG_CREDENTIALS", "POST", "/api/v1/auth/login", object{"username": "admin", "password": "wrong"})
	pair := c.do("POST", "/api/v1/auth/login", object{"username": "admin", "password": first})
	require.Equal(d.t, true, pair["must_change_password"])
	c.token = pair["access_token"].(string)
	c.refused(403, "PASSWORD_CHANGE_REQUIRED", "GET", "/api/v1/devices", nil)
	pair = c.do("POST", "/api/v1/auth/password", object{"current_password": first, "new_password": adminPassword})
	c.token = pair["access_token"].(string)
	return c
}

// ended are the states of a run that is over.
const ended = "SUCCEEDED PARTIAL FAILED CANCELLED EXPIRED EMPTY"

// backup runs a backup of a selection to its end.
func (c *client) backup(selection object) object {
	c.t.Helper()
	selection["kind"] = "backup"
	return c.wait(c.do("POST", "/api/v1/runs", selection)["id"].(string))
}

func (c *client) wait(id string) object {
	c.t.Helper()
	var run object
	eventually(c.t, "run "+id+" ends", func() bool {
		run = c.do("GET", "/api/v1/runs/"+id, nil)
		return strings.Contains(ended, run["state"].(string))
	})
	return run
}

func (c *client) tasks(run object) []object {
	c.t.Helper()
	return c.items("/api/v1/runs/" + run["id"].(string) + "/tasks")
}

// succeeded checks that a run ended well for n devices, and shows what went wrong where it did not.
func (c *client) succeeded(run object, n, changed int) {
	c.t.Helper()
	counts := run["counts"].(object)
	if run["state"] != "SUCCEEDED" {
		for _, task := range c.tasks(run) {
			c.t.Logf("%s %s %v", task["device_name"], task["state"], task["failure"])
		}
	}
	require.Equal(c.t, "SUCCEEDED", run["state"], "%v", run)
	require.EqualValues(c.t, n, counts["succeeded"])
	require.EqualValues(c.t, changed, counts["changed"])
}
