package e2e

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
)

const (
	labUser     = "netraven"
	labPassword = "lab-Passw0rd-of-e2e"
)

// devices starts a lab of n devices.
func devices(t *testing.T, n int, platforms ...string) *lab.Lab {
	t.Helper()
	l, err := lab.New(lab.Config{Count: n, Platforms: platforms, Username: labUser, Password: labPassword, Seed: 7})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, l.Start(ctx))
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
	})
	return l
}

// addCredential makes the credential of all lab devices; caps are raised so that a test does not wait for politeness.
func (c *client) addCredential() string {
	c.t.Helper()
	out := c.do("POST", "/api/v1/credentials", object{"name": "lab", "username": labUser, "password": labPassword, "tags": []string{"default"}, "logins_per_second": 1000,
		"max_in_flight": 100})
	require.Empty(c.t, out["password"], "secrets never come out")
	return out["id"].(string)
}

// add puts a lab device into the inventory.
func (c *client) add(d *lab.Device, site string) string {
	c.t.Helper()
	info := d.Info()
	out := c.do("POST", "/api/v1/devices", object{"name": info.Name, "address": info.Address, "port": info.Port, "platform": info.Platform, "site_id": site})
	return out["id"].(string)
}
