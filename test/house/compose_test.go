package house

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const password = "0123456789abcdef"

// compose loads a compose file as `docker compose` would; the environment is only what is given.
func compose(t *testing.T, content []byte, env types.Mapping) (*types.Project, error) {
	t.Helper()
	dir, err := filepath.Abs(root)
	require.NoError(t, err)
	details := types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml"), Content: content}},
		Environment: env,
	}
	return loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SetProjectName("netraven", true)
		o.Profiles = []string{"*"}
	})
}

func loaded(t *testing.T) *types.Project {
	t.Helper()
	p, err := compose(t, []byte(read(t, "docker-compose.yml")), types.Mapping{"NETRAVEN_DB_PASSWORD": password})
	require.NoError(t, err)
	return p
}

func TestComposeHasTheThreeServices(t *testing.T) {
	p := loaded(t)
	assert.ElementsMatch(t, []string{"postgres", "server", "agent"}, p.ServiceNames())
	for name, s := range p.Services {
		assert.NotEmpty(t, s.Image, name)
		assert.NotContains(t, s.Image, ":latest", name)
		assert.False(t, s.Privileged, "%s runs privileged", name)
		require.NotNil(t, s.HealthCheck, "%s: say how its health is seen, or that nobody can ask it", name)
		assert.True(t, s.HealthCheck.Disable || len(s.HealthCheck.Test) > 0, "%s has an empty health check", name)
		assert.NotEmpty(t, s.Restart, "%s does not come back after a reboot", name)
	}
	assert.Contains(t, p.Services["postgres"].Image, ":", "the database's major version must be pinned")
	assert.Equal(t, "service_healthy", p.Services["server"].DependsOn["postgres"].Condition)
	assert.Equal(t, "service_healthy", p.Services["agent"].DependsOn["server"].Condition)
}

func TestComposeKeepsWhatMustSurvive(t *testing.T) {
	p := loaded(t)
	for service, folder := range map[string]string{"postgres": "/var/lib/postgresql/data", "server": "/var/lib/netraven", "agent": "/var/lib/netraven-agent"} {
		kept := false
		for _, v := range p.Services[service].Volumes {
			kept = kept || v.Type == types.VolumeTypeVolume && v.Target == folder
		}
		assert.True(t, kept, "%s loses %s with its container", service, folder)
	}
	for _, v := range p.Services["agent"].Volumes {
		if v.Type == types.VolumeTypeBind {
			assert.FileExists(t, v.Source)
		}
	}
}

func TestComposePublishesPlainHTTPOnLoopbackOnly(t *testing.T) {
	p := loaded(t)
	server := p.Services["server"]
	tls := strings.Contains(strings.Join(server.Command, " "), "--tls-cert")
	listens := map[string]bool{}
	for _, arg := range server.Command {
		if _, addr, ok := strings.Cut(arg, "="); ok {
			if _, port, err := net.SplitHostPort(addr); err == nil {
				listens[port] = true
			}
		}
	}
	for _, port := range server.Ports {
		target := regexp.MustCompile(`^\d+$`).FindString(port.Published)
		assert.True(t, listens[target], "port %s is published, but the server's command does not listen there", target)
		if target != "9443" && !tls {
			assert.Equal(t, "127.0.0.1", port.HostIP, "port %s speaks plain HTTP", target)
		}
	}
	assert.Empty(t, p.Services["postgres"].Ports, "the database is for the server alone")
	assert.Empty(t, p.Services["agent"].Ports, "an agent listens on nothing")
}

func TestComposeGivesTheServerItsDatabase(t *testing.T) {
	p := loaded(t)
	url := p.Services["server"].Environment["NETRAVEN_DATABASE_URL"]
	require.NotNil(t, url)
	assert.Contains(t, *url, "@postgres:5432/netraven")
	assert.Equal(t, password, *p.Services["postgres"].Environment["POSTGRES_PASSWORD"])
	assert.Contains(t, *url, password)
}

func TestComposeRefusesMistakes(t *testing.T) {
	text := read(t, "docker-compose.yml")
	_, err := compose(t, []byte(text), nil)
	require.ErrorContains(t, err, "NETRAVEN_DB_PASSWORD", "without a password it must not start")
	env := types.Mapping{"NETRAVEN_DB_PASSWORD": password}
	for name, broken := range map[string]string{
		"unknown service": strings.Replace(text, "depends_on:\n      postgres:", "depends_on:\n      postgress:", 1),
		"unknown key":     strings.Replace(text, "image: netraven/server", "imagee: netraven/server", 1),
		"unknown volume":  strings.Replace(text, "- server:/var", "- servers:/var", 1),
		"unknown network": strings.Replace(text, "networks: [agents]", "networks: [agent]", 1),
	} {
		require.NotEqual(t, text, broken, name)
		_, err := compose(t, []byte(broken), env)
		assert.Error(t, err, name)
	}
}

var instruction = regexp.MustCompile(`(?m)^(FROM|COPY|USER)\s+(.+)$`)

func TestDockerfileCopiesWhatIsThereAndDropsRoot(t *testing.T) {
	stages := map[string]string{}
	var stage string
	for _, m := range instruction.FindAllStringSubmatch(read(t, "Dockerfile"), -1) {
		words := strings.Fields(m[2])
		switch m[1] {
		case "FROM":
			require.Len(t, words, 3, "%s: every stage has a name", m[0])
			stage, stages[words[2]] = words[2], words[0]
			assert.True(t, stages[words[0]] != "" || strings.Contains(words[0], ":"), "%s: pin the image", m[0])
		case "USER":
			assert.NotEqual(t, "root", words[0])
			stages[stage] = "as " + words[0]
		case "COPY":
			for _, src := range words[:len(words)-1] {
				if strings.HasPrefix(src, "--") || strings.HasPrefix(words[0], "--from") {
					continue
				}
				_, err := os.Stat(filepath.Join(root, src))
				assert.NoError(t, err, "Dockerfile copies %s", src)
			}
		}
	}
	for name, s := range loaded(t).Services {
		if s.Build == nil {
			continue
		}
		assert.Equal(t, "as netraven", stages[s.Build.Target], "%s: the image's last word must be USER netraven", name)
	}
}

func TestUnitsAreSound(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	units := files(t, func(p string) bool { return strings.HasPrefix(p, "deploy/") && strings.HasSuffix(p, ".service") })
	require.NotEmpty(t, units)
	for _, unit := range units {
		text := read(t, unit)
		for _, want := range []string{"User=netraven", "NoNewPrivileges=yes", "ProtectSystem=strict"} {
			assert.Contains(t, text, want, "%s", unit)
		}
		if err != nil {
			continue
		}
		out, _ := exec.Command(tool, "verify", filepath.Join(root, unit)).CombinedOutput()
		for line := range strings.SplitSeq(string(out), "\n") { // that the programs and the user are not on this machine is no fault of the unit
			bad := strings.Contains(line, ".service:") && (strings.Contains(line, "Unknown") || strings.Contains(line, "Failed to parse") || strings.Contains(line, "ignoring"))
			assert.False(t, bad, "%s", line)
		}
	}
}
