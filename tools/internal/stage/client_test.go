package stage

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// serve answers every request with one text and keeps the last request.
func serve(t *testing.T, code int, text string) (*Client, *http.Request) {
	t.Helper()
	var last http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last = *r
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return NewClient(strings.TrimPrefix(s.URL, "http://")), &last
}

func TestLoginKeepsTheToken(t *testing.T) {
	c, last := serve(t, http.StatusOK, `{"access_token":"a.b.c","refresh_token":"r","expires_in":600,"must_change_password":true}`)
	must, err := c.Login(t.Context(), "admin", "x")
	require.NoError(t, err)
	require.True(t, must)
	require.Equal(t, "/api/v1/auth/login", last.URL.Path)
	_, err = c.Text(t.Context(), "/diff")
	require.NoError(t, err)
	require.Equal(t, "Bearer a.b.c", last.Header.Get("Authorization"))
}

func TestRefusalIsASentence(t *testing.T) {
	c, _ := serve(t, http.StatusConflict, `{"code":"ALREADY_EXISTS","reason":"SITE_EXISTS","message":"there is a site of that name","details":[{"field":"name","reason":"TAKEN","message":"choose another"}],"trace_id":"t1"}`)
	err := c.Call(t.Context(), http.MethodPost, "/sites", &inventoryv1.Site{Name: "branch"}, nil)
	require.EqualError(t, err, "POST /api/v1/sites answered 409 SITE_EXISTS: there is a site of that name; name: choose another (trace t1)")
	c, _ = serve(t, http.StatusBadGateway, "<html>")
	require.EqualError(t, c.Ready(t.Context()), "GET /readyz answered 502 Bad Gateway")
}

func TestUnknownFieldIsAnError(t *testing.T) {
	c, _ := serve(t, http.StatusOK, `{"id":"1","colour":"red"}`)
	require.ErrorContains(t, c.Call(t.Context(), http.MethodGet, "/sites/1", nil, &inventoryv1.Site{}), "what the contract does not say")
}

func TestWatch(t *testing.T) {
	c, last := serve(t, http.StatusOK, "data: {\"result\":{\"run\":{\"id\":\"r\",\"state\":\"RUNNING\",\"counts\":{\"total\":3}}}}\n\n"+
		"data: {\"result\":{\"run\":{\"id\":\"r\",\"state\":\"SUCCEEDED\"}}}\n\n")
	var states []jobv1.Run_State
	require.NoError(t, c.Watch(t.Context(), "r", func(e *jobv1.RunEvent) { states = append(states, e.GetRun().GetState()) }))
	require.Equal(t, []jobv1.Run_State{jobv1.Run_RUNNING, jobv1.Run_SUCCEEDED}, states)
	require.Equal(t, "text/event-stream", last.Header.Get("Accept"))
	c, _ = serve(t, http.StatusOK, "data: {\"error\":{\"message\":\"the server is stopping\"}}\n\n")
	require.ErrorContains(t, c.Watch(t.Context(), "r", func(*jobv1.RunEvent) {}), "the server is stopping")
}
