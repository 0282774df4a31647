package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Eight bodies of 60 MB from nobody took a gigabyte of the server before the first of them was refused.
func TestABodyIsBoundedByWhoSendsIt(t *testing.T) {
	server, _ := serve(t)
	const device, imports = "/api/v1/devices", "/api/v1/devices:import?format=csv"
	for _, c := range []struct {
		name, path, token string
		size              int
		tooLarge          bool
	}{
		{"nobody", device, "", 65 << 10, true},
		{"nobody imports", imports, "", 65 << 10, true},
		{"a user", device, "Bearer x", 3 << 20, false},
		{"a user with too much", device, "Bearer x", 4 << 20, true},
		{"an import", imports, "Bearer x", 15 << 20, false},
		{"an import of too much", imports, "Bearer x", 16 << 20, true},
	} {
		body := `{"name":"` + strings.Repeat("a", c.size) + `"}`
		for length, in := range map[string]io.Reader{"known": strings.NewReader(body), "unknown": io.MultiReader(strings.NewReader(body))} {
			t.Run(c.name+", length "+length, func(t *testing.T) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+c.path, in)
				require.NoError(t, err)
				if c.token != "" {
					req.Header.Set("Authorization", c.token)
				}
				resp, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				defer func() { _ = resp.Body.Close() }()
				var problem struct{ Reason, Message string }
				require.NoError(t, json.NewDecoder(resp.Body).Decode(&problem))
				if !c.tooLarge { // what else is wrong with it, the services say
					require.NotContains(t, problem.Reason, "BODY_")
					return
				}
				require.Equal(t, http.StatusBadRequest, resp.StatusCode)
				require.Contains(t, problem.Reason, "BODY_")
			})
		}
	}
}

// A filter with a typing error would answer everything.
func TestAQueryHasOnlyParametersOfItsRequest(t *testing.T) {
	server, _ := serve(t)
	for query, known := range map[string]bool{
		"from=a&to=b": true, "from=a&to=b&context=1": true, "form=a&to=b": false, "from=a&to=b&from.x=1": false, "from=a&to=b&context[a]=1&bogus[b]=2": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/diff?"+query, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", "Bearer x")
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, !known, strings.Contains(string(text), "there is no parameter"), "%s: %s", query, text)
		if !known {
			require.Equal(t, http.StatusBadRequest, resp.StatusCode)
		}
	}
}
