package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/netraven/netraven/lab"
)

const labLimit = time.Minute

// Lab is a `netraven-lab` process.
type Lab struct {
	*Process
	*lab.Remote
	// Inventory is the CSV of its devices.
	Inventory []byte

	// Control is the address of its control API.
	Control string
}

// controlLine is how the lab says where its control API listens.
var controlLine = regexp.MustCompile(`(?m)^control +(\S+)$`)

// StartLab starts simulated devices in a process of their own and waits until they can be connected to. args are those of netraven-lab serve.
func StartLab(ctx context.Context, programs Programs, folder Folder, args ...string) (*Lab, error) {
	program, err := programs.Path("netraven-lab")
	if err != nil {
		return nil, err
	}
	inventory, log := folder.In("lab.csv"), folder.Log("lab")
	if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) { // an earlier lab's log says where that one was
		return nil, err
	}
	l := &Lab{}
	// The devices take any free ports, so the lab must find one for its control API itself, after them.
	args = append([]string{"serve", "--control", "127.0.0.1:0", "--inventory", inventory}, args...)
	if l.Process, err = Launch("lab", log, nil, program, args...); err != nil {
		return nil, err
	}
	err = Until(ctx, l.Process, labLimit, l.find)
	if err == nil {
		l.Inventory, err = os.ReadFile(inventory)
	}
	if err != nil {
		_ = l.Stop() // the first error is the one to tell
		return nil, fmt.Errorf("the simulated devices do not start: %w", err)
	}
	return l, nil
}

// find looks where the control API listens.
func (l *Lab) find(context.Context) error {
	said, err := os.ReadFile(l.Log)
	if err != nil {
		return err
	}
	at := controlLine.FindSubmatch(said)
	if at == nil {
		return errors.New("it has not said where it is controlled")
	}
	l.Control = string(at[1])
	l.Remote = lab.NewRemote(l.Control)
	return nil
}

// Config answers what the device name is configured with, secrets and all.
func (l *Lab) Config(ctx context.Context, name string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Control+"/devices/"+url.PathEscape(name)+"/config", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the lab answered %s for %s", resp.Status, name)
	}
	return string(b), err
}
