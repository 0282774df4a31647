package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fleet is how many devices share the account: enough that trying them all would lock it many times over.
const fleet = 2000

// A wrong, a mistyped and a rotated password over a whole fleet cost the account its bound of refused logins, and no more; what waits says why.
func Test85AWrongPasswordNeverCostsAnAccountMoreThanItsBound(t *testing.T) {
	d := oneProcess(t)
	c := d.signIn()
	l := devices(t, fleet, "linux")
	var csv strings.Builder
	csv.WriteString("name,address,port,platform\n")
	for _, dev := range l.Devices() {
		i := dev.Info()
		fmt.Fprintf(&csv, "%s,%s,%d,%s\n", i.Name, i.Address, i.Port, i.Platform)
	}
	require.EqualValues(t, fleet, c.do("POST", "/api/v1/devices:import?format=csv", csv.String())["created"])
	c.do("PATCH", "/api/v1/gateways/"+c.items("/api/v1/gateways")[0]["id"].(string), object{"logins_per_second": 5000})

	const inFlight = 12
	credential := c.do("POST", "/api/v1/credentials", object{"name": "aaa", "username": labUser, "password": labPassword + " mistyped", "tags": []string{"default"},
		"logins_per_second": 1000})["id"].(string)
	set := func(fields object) { c.do("PATCH", "/api/v1/credentials/"+credential, fields) }
	refused := func() int { return l.RefusedLogins()[labUser] }

	// hold starts a run over the fleet that the account must survive, waits until everything left of it waits for the credential, and ends it.
	hold := func(kind string, bound int) {
		before := refused()
		run := c.do("POST", "/api/v1/runs", object{"kind": kind, "all": true})
		id := run["id"].(string)
		eventually(t, kind+" comes to rest", func() bool {
			counts := c.do("GET", "/api/v1/runs/"+id, nil)["counts"].(object)
			return refused() > before && number(counts["running"]) == 0 && paused(c.do("GET", "/api/v1/credentials/"+credential, nil))
		})
		waiting := 0
		for _, task := range c.tasks(run) {
			switch task["state"] {
			case "FAILED":
				require.Equal(t, "AUTH", task["failure"].(object)["class"])
				require.Equal(t, "aaa", task["failure"].(object)["credential"])
			default:
				if strings.Contains(fmt.Sprint(task["waiting_for"]), "aaa") || task["failure"] != nil {
					waiting++
				}
			}
		}
		t.Logf("%s: %d refused logins, bound %d; %d of %d tasks say what they wait for", kind, refused()-before, bound, waiting, fleet)
		c.do("POST", "/api/v1/runs/"+id+":cancel", object{})
		c.wait(id)
		require.LessOrEqual(t, refused()-before, bound)
		require.Positive(t, waiting, "a task that waits says for what")
	}

	hold("backup", 4)
	set(object{"password": labPassword + " wrong"})
	hold("login", 4)

	set(object{"password": labPassword, "max_in_flight": inFlight})
	before := refused()
	c.succeeded(c.wait(c.do("POST", "/api/v1/runs", object{"kind": "login", "all": true})["id"].(string)), fleet, 0)
	require.Equal(t, before, refused(), "the right password is refused nowhere")

	for _, dev := range l.Devices() {
		dev.SetPassword(labPassword + " rotated")
	}
	hold("backup", inFlight+4)
}

// paused tells a credential that nothing may try just now.
func paused(credential object) bool {
	until, err := time.Parse(time.RFC3339, fmt.Sprint(credential["paused_until"]))
	return err == nil && until.After(time.Now())
}

func number(v any) int {
	n, _ := v.(float64)
	return int(n)
}
