package stage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
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

// StartLab starts simulated devices in a process of their own and waits until they can be connected to. args are those of netraven-lab serve.
func StartLab(ctx context.Context, programs Programs, folder Folder, args ...string) (*Lab, error) {
	program, err := programs.Path("netraven-lab")
	if err != nil {
		return nil, err
	}
	free, err := FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	inventory := folder.In("lab.csv")
	args = append([]string{"serve", "--control", free[0], "--inventory", inventory}, args...)
	l := &Lab{Remote: lab.NewRemote(free[0]), Control: free[0]}
	if l.Process, err = Launch("lab", folder.Log("lab"), nil, program, args...); err != nil {
		return nil, err
	}
	err = Until(ctx, l.Process, labLimit, func(ctx context.Context) error {
		_, err := l.Summary(ctx)
		return err
	})
	if err == nil {
		l.Inventory, err = os.ReadFile(inventory)
	}
	if err != nil {
		_ = l.Stop() // the first error is the one to tell
		return nil, fmt.Errorf("the simulated devices do not start: %w", err)
	}
	return l, nil
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
