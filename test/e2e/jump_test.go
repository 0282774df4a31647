package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/lab"
)

const (
	bastionUser     = "hop"
	bastionPassword = "bastion-Passw0rd-of-e2e"
)

// bastion is an SSH server that forwards connections and does nothing else.
type bastion struct {
	port             int
	logins, forwards atomic.Int32
}

func newBastion(t *testing.T) *bastion {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	config := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if c.User() == bastionUser && string(given) == bastionPassword {
			return nil, nil
		}
		return nil, errors.New("no")
	}}
	config.AddHostKey(key)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &bastion{port: ln.Addr().(*net.TCPAddr).Port}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { b.serve(conn, config) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return b
}

func (b *bastion) serve(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	b.logins.Add(1)
	go ssh.DiscardRequests(requests)
	for c := range channels {
		var to struct {
			Host       string
			Port       uint32
			Origin     string
			OriginPort uint32
		}
		if c.ChannelType() != "direct-tcpip" || ssh.Unmarshal(c.ExtraData(), &to) != nil {
			_ = c.Reject(ssh.UnknownChannelType, "no")
			continue
		}
		far, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
		if err != nil {
			_ = c.Reject(ssh.ConnectionFailed, "Connection refused")
			continue
		}
		near, in, err := c.Accept()
		if err != nil {
			_ = far.Close()
			continue
		}
		b.forwards.Add(1)
		go ssh.DiscardRequests(in)
		go func() {
			_, _ = io.Copy(far, near)
			_ = far.Close()
		}()
		go func() {
			_, _ = io.Copy(near, far)
			_ = near.Close()
		}()
	}
}

func TestDevicesBehindAJumpHost(t *testing.T) {
	eachDeployment(t, func(t *testing.T, d *deployment) {
		c := d.signIn()
		c.addCredential()
		hop := newBastion(t)
		c.do("POST", "/api/v1/credentials", object{"name": "hop", "username": bastionUser, "password": bastionPassword, "tags": []string{"bastion"},
			"logins_per_second": 1000, "max_in_flight": 100})
		host := c.do("POST", "/api/v1/devices", object{"name": "bastion", "address": "127.0.0.1", "port": hop.port, "platform": "linux", "tags": []string{"bastion"}})["id"].(string)
		site := c.do("POST", "/api/v1/sites", object{"name": "behind", "jump_host_id": host})["id"].(string)
		l := devices(t, 2, "cisco_ios")
		ids := []string{c.add(l.Devices()[0], site), c.add(l.Devices()[1], site)}
		behind := object{"site_ids": []string{site}}
		c.succeeded(c.backup(behind), 2, 2)
		require.EqualValues(t, 2, hop.logins.Load(), "each device's session logs in to the jump host on one connection of its own")
		require.GreaterOrEqual(t, hop.forwards.Load(), int32(2))

		eventually(t, "the jump host's key is pinned at first contact", func() bool {
			keys := c.items("/api/v1/devices/" + host + "/host_keys")
			return len(keys) == 1 && keys[0]["state"] == "ACCEPTED"
		})
		c.refused(400, "JUMP_HOST_LOOP", "PATCH", "/api/v1/devices/"+host, object{"jump_host_id": host})
		c.refused(400, "JUMP_HOST_LOOP", "PATCH", "/api/v1/devices/"+host, object{"jump_host_id": ids[0]})
		c.refused(409, "DEVICE_IS_JUMP_HOST", "DELETE", "/api/v1/devices/"+host, nil)

		logins := hop.logins.Load()
		run := c.do("POST", "/api/v1/runs", object{"kind": "reachability", "device_ids": ids[:1]})["id"].(string)
		c.wait(run)
		f := c.items("/api/v1/runs/" + run + "/tasks")[0]["failure"].(object)
		require.Equal(t, "POLICY", f["class"], "%v", f)
		require.Equal(t, "jump", f["stage"])
		require.Equal(t, logins, hop.logins.Load(), "a kind that logs in nowhere does not get past it, and does not go around it")

		// A device is away: the failure says from where it was not reached.
		require.NoError(t, l.Devices()[0].SetFault(lab.Fault{Down: true}))
		run = c.do("POST", "/api/v1/runs", object{"kind": "login", "device_ids": ids[:1]})["id"].(string)
		c.wait(run)
		f = c.items("/api/v1/runs/" + run + "/tasks")[0]["failure"].(object)
		require.Equal(t, "UNREACHABLE", f["class"], "%v", f)
		require.Contains(t, f["hint"], "The jump host bastion (127.0.0.1) cannot connect to")
	})
}
