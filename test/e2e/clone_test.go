package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

// gitAt runs the git program in a folder, as a user's machine does: no prompts, none of this machine's settings.
func gitAt(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d *deployment) cloneURL(user, password, repository string) string {
	return fmt.Sprintf("http://%s@%s/git/%s.git", url.UserPassword(user, password), d.http, repository)
}

func TestPlainGitClonesTheHistory(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		l := devices(t, 3, "cisco_ios")
		for _, dev := range l.Devices() {
			c.add(dev, "")
		}
		c.succeeded(c.backup(object{"all": true}), 3, 3)
		home := t.TempDir()
		git := func(dir string, args ...string) string {
			t.Helper()
			out, err := gitAt(dir, args...)
			require.NoError(t, err, "git %v: %s", args, out)
			return out
		}

		// An access token is a password.
		clone := filepath.Join(home, "by-token")
		git(home, "clone", "--quiet", d.cloneURL("any", c.token, "configs"), clone)
		info := l.Devices()[0].Info()
		file := filepath.Join("default", info.Name, "running.cfg")
		log := git(clone, "log", "-p", "--", file)
		require.Contains(t, log, "hostname "+info.Name)
		require.Contains(t, log, "NetRaven-Device:")
		require.NotContains(t, git(clone, "log", "-p"), labPassword, "a clone is masked")
		git(clone, "fsck", "--full", "--strict")
		require.Equal(t, d.git("rev-parse", "main"), git(clone, "rev-parse", "HEAD"))

		// So is a password; and a fetch brings what is new.
		byPassword := filepath.Join(home, "by-password")
		git(home, "clone", "--quiet", "--bare", d.cloneURL("admin", adminPassword, "configs"), byPassword)
		require.NoError(t, l.Devices()[0].Change(lab.Change{Describe: "changed"}))
		c.succeeded(c.backup(object{"all": true}), 3, 1)
		git(clone, "pull", "--quiet")
		git(byPassword, "fetch", "--quiet", "origin", "main")
		require.Equal(t, d.git("rev-parse", "main"), git(clone, "rev-parse", "HEAD"))
		require.Contains(t, git(clone, "log", "-1", "--stat"), file)

		refused := func(says string, args ...string) {
			t.Helper()
			out, err := gitAt(home, args...)
			require.Error(t, err, "git %v", args)
			require.Contains(t, out, says)
		}
		head := d.git("rev-parse", "main")
		refused("terminal prompts disabled", "clone", fmt.Sprintf("http://%s/git/configs.git", d.http), "no-1") // 401 with a challenge
		refused("Authentication failed", "clone", d.cloneURL("admin", "wrong", "configs"), "no-2")
		refused("Authentication failed", "clone", d.cloneURL("any", c.token+"x", "configs"), "no-3")
		refused("there is no such repository", "clone", d.cloneURL("any", c.token, "others"), "no-4")
		git(clone, "commit", "--quiet", "--allow-empty", "-m", "mine")
		refused("not written to", "-C", clone, "push", "origin", "HEAD:main")
		refused("not written to", "-C", clone, "push", "origin", "HEAD:other")
		require.Equal(t, head, d.git("rev-parse", "main"))
		require.Equal(t, "refs/heads/main", strings.TrimSpace(d.git("for-each-ref", "--format=%(refname)")))

		// Who must change the password first may not clone either.
		c.do("POST", "/api/v1/users", object{"username": "new", "password": "a new person's password", "roles": []string{"viewer"}, "must_change_password": true})
		refused("change the password first", "clone", d.cloneURL("new", "a new person's password", "configs"), "no-5")
		d.git("fsck", "--full", "--strict")
	})
}
