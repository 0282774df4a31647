package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/netraven/netraven/internal/secret"
)

func TestNoFormatShowsASecret(t *testing.T) {
	const plain = "hunter2-hunter2"
	type holder struct {
		S secret.String
		B secret.Bytes
		P *secret.String
	}
	s := secret.NewString(plain)
	h := holder{S: s, B: secret.NewBytes([]byte(plain)), P: &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb, h, h.S, h.B)
	}
	fmt.Fprint(&out, fmt.Errorf("wrapped: %w", fmt.Errorf("%v", h)))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "h", h, "s", h.S, "b", h.B)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "h", h, "s", h.S, "b", h.B)
	j, err := json.Marshal(h)
	require.NoError(t, err)
	out.Write(j)
	y, err := yaml.Marshal(h)
	require.NoError(t, err)
	out.Write(y)
	require.NotContains(t, out.String(), plain)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", plain))
	require.Contains(t, out.String(), "***")
	require.Equal(t, plain, h.S.Reveal())
	require.Equal(t, plain, string(h.B.Reveal()))
}
