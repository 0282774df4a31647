package remote_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/remote/remotetest"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]remote.Address{
		"https://git.example.net/net/configs.git":   {Host: "git.example.net:443", Path: "/net/configs.git"},
		"https://git.example.net:8443/a%20b":        {Host: "git.example.net:8443", Path: "/a%20b"},
		"https://[2001:db8::1]/x":                   {Host: "[2001:db8::1]:443", Path: "/x"},
		"ssh://git@git.example.net/net/configs.git": {SSH: true, User: "git", Host: "git.example.net:22", Path: "/net/configs.git"},
		"ssh://git.example.net:2222/~ann/x":         {SSH: true, Host: "git.example.net:2222", Path: "~ann/x"},
		"git@git.example.net:net/configs.git":       {SSH: true, User: "git", Host: "git.example.net:22", Path: "net/configs.git"},
		"git@[2001:db8::1]:configs.git":             {SSH: true, User: "git", Host: "[2001:db8::1]:22", Path: "configs.git"},
	} {
		a, err := remote.ParseAddress(text)
		require.NoError(t, err, text)
		require.Equal(t, want, a, text)
	}
	for text, hint := range map[string]string{
		"": "looks like", "https://": "looks like", "https://git.example.net": "looks like", "https://git.example.net/?x=1": "looks like", "ftp://git.example.net/x": "looks like",
		"https://ann:secret@git.example.net/x": "no password", "ssh://ann:secret@git.example.net/x": "no password", "ann:secret@git.example.net:x": "no password",
		"http://git.example.net/x": "https://", "git://git.example.net/x": "https://", "file:///srv/x.git": "folder", "/srv/x.git": "folder", "../x.git": "folder", "srv/x.git": "folder",
		"git@-oProxyCommand=x:y": "looks like", "git@git.example.net:--upload": "looks like", "ssh://git@git.example.net/x y": "looks like", "x": "folder", "git.example.net:x": "looks like",
		"https://git.example.net/\x01": "looks like", "ext::sh -c x": "looks like",
	} {
		_, err := remote.ParseAddress(text)
		require.ErrorContains(t, err, hint, text)
		require.NotContains(t, err.Error(), "secret", text)
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("https://git.example.net/net/configs.git")
	f.Add("git@[2001:db8::1]:configs.git")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := remote.ParseAddress(text)
		if err == nil {
			require.NotEmpty(t, a.Host)
			require.NotEmpty(t, a.Path)
			require.NotEqual(t, byte('-'), a.Path[0])
		}
	})
}

func TestParseHostKeys(t *testing.T) {
	_, signer := remotetest.NewKey(t)
	line := string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	keys, err := remote.ParseHostKeys("# a comment\n" + line + "\n[git.example.net]:2222 " + line)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	for _, text := range []string{"ssh-ed25519", "@revoked * " + line, "SHA256:abc", "git.example.net ssh-ed25519 AAAA"} {
		_, err := remote.ParseHostKeys(text)
		require.Error(t, err, text)
	}
}
