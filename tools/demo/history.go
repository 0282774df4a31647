package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// repository is the bare git repository of all configurations.
func (d *demo) repository() string { return filepath.Join(d.server.Data, "gitstore", "configs.git") }

func (d *demo) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"--git-dir", d.repository(), "--no-pager"}, args...)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.Bytes(), nil
}

func (d *demo) showLog(ctx context.Context) error {
	if _, err := d.git(ctx, "fsck", "--strict"); err != nil {
		return err
	}
	log, err := d.git(ctx, "log", "--oneline", "-5")
	if err != nil {
		return err
	}
	d.say("git log --oneline -5")
	for line := range strings.Lines(string(log)) {
		d.say("  %s", strings.TrimSpace(line))
	}
	for _, c := range d.changed {
		if !strings.Contains(string(log), c.device.GetName()) {
			return fmt.Errorf("the newest five commits do not name %s", c.device.GetName())
		}
	}
	d.say("git fsck has nothing to say against the repository.")
	return nil
}

func (d *demo) showSecrets(ctx context.Context) error {
	if err := d.showMaskedLine(ctx); err != nil {
		return err
	}
	secrets, err := d.planted(ctx)
	if err != nil {
		return err
	}
	history, err := d.git(ctx, "cat-file", "--batch", "--batch-all-objects")
	if err != nil {
		return err
	}
	if !bytes.Contains(history, []byte("<secret:")) {
		return fmt.Errorf("git's history holds no masked secret, so looking for plain ones proves nothing")
	}
	if err := leaks(history, "git's history", secrets); err != nil {
		return err
	}
	for _, name := range []string{"server", "agent"} {
		if err := leaksInFile(d.folder.Log(name), secrets); err != nil {
			return err
		}
	}
	d.say("The devices hold %d secrets. None of them is in any object of the git repository, nor in a log.", len(secrets))
	return nil
}

// showMaskedLine shows a line with a secret as NetRaven keeps it for people.
func (d *demo) showMaskedLine(ctx context.Context) error {
	device := d.changed[0].device
	var all gitstorev1.ListRevisionsResponse
	if err := d.server.Call(ctx, http.MethodGet, "/devices/"+device.GetId()+"/revisions?page_size=1", nil, &all); err != nil {
		return err
	}
	if len(all.GetItems()) == 0 {
		return fmt.Errorf("%s has no revision", device.GetName())
	}
	text, err := d.server.Text(ctx, "/revisions/"+all.GetItems()[0].GetId()+"/content")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "<secret:") {
			d.say("%s, as everybody sees it:  %s", device.GetName(), strings.TrimSpace(line))
			return nil
		}
	}
	return fmt.Errorf("the configuration of %s shows no masked secret", device.GetName())
}
