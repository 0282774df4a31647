package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/pgtest"
)

// deployment is NetRaven running, in one of its two shapes.
type deployment struct {
	t    *testing.T
	data string
	// http and agents are where REST is served and agents connect.
	http, agents string
	processes    map[string]*process
	restart      func(name string)
	// gitDir is the bare repository.
	gitDir string
	// gitstore is where the process of gitstore answers HTTP.
	gitstore string
}

// eachDeployment runs a test against both shapes.
func eachDeployment(t *testing.T, test func(t *testing.T, d *deployment)) {
	t.Run("one process", func(t *testing.T) { test(t, oneProcess(t)) })
	t.Run("split", func(t *testing.T) { test(t, split(t)) })
}

// freePorts finds loopback ports that nobody uses, below those that the system gives to outgoing connections: one of them could take a port of that range before
// its server does.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for tries := 0; len(out) < n; tries++ {
		require.Less(t, tries, 1000, "no free ports")
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err != nil {
			continue
		}
		defer func() { require.NoError(t, l.Close()) }()
		out = append(out, l.Addr().String())
	}
	return out
}

// folder is a data folder that the private PostgreSQL may pass through whoever it runs as.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nr-e2e-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func oneProcess(t *testing.T, flags ...string) *deployment {
	t.Helper()
	ports := freePorts(t, 3)
	d := &deployment{t: t, data: folder(t), http: ports[0], agents: ports[2], processes: map[string]*process{}}
	d.gitDir = filepath.Join(d.data, "gitstore", "configs.git")
	d.restart = func(string) {
		args := append([]string{"serve", "--data", d.data, "--http", ports[0], "--grpc", ports[1], "--agents", ports[2]}, flags...)
		d.processes["all"] = start(t, "netraven", "", filepath.Join(bin, "netraven"), args...)
		d.waitReady(ports[0])
	}
	d.gitstore = d.http
	d.restart("all")
	return d
}

// split runs every service as a process of its own, with its own data folder, over a shared database.
func split(t *testing.T, flags ...string) *deployment {
	t.Helper()
	root := folder(t)
	certs := filepath.Join(root, "certs")
	require.NoError(t, app.InitCerts(certs))
	names := app.ServiceNames()
	internal, health := freePorts(t, len(names)), freePorts(t, len(names)+1)
	d := &deployment{t: t, agents: health[len(names)], processes: map[string]*process{}}
	config := fmt.Sprintf("database: {url: %q}\ncerts: %q\npeers:\n", pgtest.URL(t), certs)
	for i, name := range names {
		config += fmt.Sprintf("  %s: %s\n", name, internal[i])
	}
	file := filepath.Join(root, "netraven.yaml")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	at := map[string]string{}
	d.restart = func(name string) {
		args := append([]string{"serve", "--config", file, "--services", name, "--data", filepath.Join(root, name),
			"--http", at[name], "--grpc", "off", "--internal", at[name+" internal"], "--agents", d.agents}, flags...)
		d.processes[name] = start(t, name, "", filepath.Join(bin, "netraven"), args...)
	}
	for i, name := range names {
		at[name], at[name+" internal"] = health[i], internal[i]
		d.restart(name)
	}
	for _, name := range names {
		d.waitReady(at[name])
	}
	d.gitstore = at["gitstore"]
	d.http, d.data = at["api"], filepath.Join(root, "auth")
	d.gitDir = filepath.Join(root, "gitstore", "gitstore", "configs.git")
	return d
}

func (d *deployment) waitReady(addr string) {
	d.t.Helper()
	eventually(d.t, addr+" is ready", func() bool {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}
