package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// showCommandLine asks the server once more as people do, from a shell.
func (d *demo) showCommandLine(ctx context.Context) error {
	if _, err := d.netraven(ctx, d.password+"\n", "login", "--username", "admin", "--password-stdin"); err != nil {
		return err
	}
	name := d.changed[0].device.GetName()
	table, err := d.netraven(ctx, "", "config", "list", name)
	if err != nil {
		return err
	}
	d.say("netraven config list %s", name)
	for line := range strings.Lines(string(table)) {
		d.say("  %s", strings.TrimRight(line, " \n"))
	}
	answer, err := d.netraven(ctx, "", "device", "list", "--output", "json")
	if err != nil {
		return err
	}
	var all struct{ Items []json.RawMessage }
	if err := json.Unmarshal(answer, &all); err != nil || len(all.Items) != deviceCount {
		return fmt.Errorf("netraven device list answers %d of %d devices (%v)", len(all.Items), deviceCount, err)
	}
	return nil
}

// netraven runs a command of the client with a home of its own, so that nobody's stored tokens are touched.
func (d *demo) netraven(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	program, err := d.programs.Path("netraven")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	home := d.folder.In("home")
	cmd.Env = append(os.Environ(), "NETRAVEN_SERVER=http://"+d.server.HTTPAddr, "NETRAVEN_TOKEN=", "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_STATE_HOME="+home)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("netraven %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.Bytes(), nil
}
