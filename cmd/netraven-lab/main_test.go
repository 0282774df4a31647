package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// output can be read while the command writes it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func run(ctx context.Context, out *output, args ...string) error {
	c := newRoot()
	c.SetArgs(args)
	c.SetOut(out)
	return c.ExecuteContext(ctx)
}

func TestServeAndControl(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	var served output
	inventory, done := filepath.Join(t.TempDir(), "lab.csv"), make(chan error, 1)
	go func() {
		done <- run(ctx, &served, "serve", "--count", "5", "--control", "127.0.0.1:0", "--inventory", inventory)
	}()
	defer func() {
		stop()
		require.NoError(t, <-done)
	}()
	require.Eventually(t, func() bool { return strings.HasSuffix(served.String(), "ready\n") }, 30*time.Second, time.Millisecond)
	control := regexp.MustCompile(`control +(\S+)`).FindStringSubmatch(served.String())[1]
	assert.Contains(t, served.String(), "login      netraven / netraven\n")
	rows, err := os.ReadFile(inventory)
	require.NoError(t, err)
	require.Equal(t, 6, strings.Count(string(rows), "\n"))
	name, _, _ := strings.Cut(strings.Split(string(rows), "\n")[1], ",")

	var out output
	for _, args := range [][]string{
		{"list"}, {"change", name, "a new text"}, {"fault", name, "latency=200ms", "chunk=7", "no_prompt"},
		{"fault", "*", "none"}, {"password", name, "other"}, {"hostkey", name},
	} {
		require.NoError(t, run(ctx, &out, append(args, "--control", control)...), args)
	}
	assert.Contains(t, out.String(), "changed    "+name+"\n")
	s, err := lab.NewRemote(control).Device(ctx, name)
	require.NoError(t, err)
	assert.Equal(t, "other", s.Password)
	require.ErrorContains(t, run(ctx, &out, "change", "nobody", "x", "--control", control), "no device is named")
	require.ErrorContains(t, run(ctx, &out, "fault", name, "bogus", "--control", control), "unknown field")
}

func TestParseFault(t *testing.T) {
	f, err := parseFault([]string{"latency=200ms", "chunk=7", "no_prompt"})
	require.NoError(t, err)
	assert.Equal(t, lab.Fault{Latency: lab.Duration(200 * time.Millisecond), Chunk: 7, NoPrompt: true}, f)
	for _, bad := range []string{"chunk=x", "chunk=-1", "latency=7", "none=1", "mute=3"} {
		_, err := parseFault([]string{bad})
		require.Error(t, err, bad)
	}
}
