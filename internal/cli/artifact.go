package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

// artifactRevisions answers the newest revisions of one artifact of a device, newest first: at least one, and at most limit unless that is 0. No
// artifact means the device's configuration.
func (c *client) artifactRevisions(ctx context.Context, deviceID, name, artifact string, limit int) ([]*gitstorev1.Revision, error) {
	if artifact == "" {
		if artifact = c.mainArtifact(ctx, deviceID); artifact == "" {
			return c.onlyArtifact(ctx, deviceID, name)
		}
		if all, err := c.revisions(ctx, deviceID, artifact, gitstorev1.Revision_ACCEPTED, limit); err != nil || len(all.items) > 0 {
			return all.items, err
		}
		return c.onlyArtifact(ctx, deviceID, name)
	}
	all, err := c.revisions(ctx, deviceID, artifact, gitstorev1.Revision_ACCEPTED, limit)
	if err == nil && len(all.items) == 0 {
		err = fmt.Errorf("%s has no revisions of %s; netraven config list %s shows what there is", safe(name), safe(artifact), safe(name))
	}
	return all.items, err
}

// mainArtifact is the first artifact of the device's platform page, which is the device's configuration. Where device or page cannot be read it is
// empty: a device that was deleted still has its history.
func (c *client) mainArtifact(ctx context.Context, deviceID string) string {
	d, p := &inventoryv1.Device{}, &inventoryv1.Platform{}
	if _, err := c.get(ctx, deviceNoun.of(deviceID), nil, d); err != nil {
		return ""
	}
	if _, err := c.get(ctx, "/api/v1/platforms/"+url.PathEscape(d.Platform), nil, p); err != nil {
		return ""
	}
	var page struct {
		Backup []struct {
			Artifact string `yaml:"artifact"`
		} `yaml:"backup"`
	}
	if yaml.Unmarshal([]byte(p.Page), &page) != nil || len(page.Backup) == 0 {
		return ""
	}
	return page.Backup[0].Artifact
}

// onlyArtifact answers all revisions of a device that has one artifact; with several, the user must say which.
func (c *client) onlyArtifact(ctx context.Context, deviceID, name string) ([]*gitstorev1.Revision, error) {
	all, err := c.revisions(ctx, deviceID, "", gitstorev1.Revision_ACCEPTED, 0)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, r := range all.items {
		if !slices.Contains(found, r.Artifact) {
			found = append(found, r.Artifact)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s has no revisions yet; make one with: netraven backup %s", safe(name), safe(name))
	case 1:
		return all.items, nil
	}
	slices.Sort(found)
	return nil, fmt.Errorf("which artifact? Give --artifact with one of %s", safe(strings.Join(found, ", ")))
}

func first(all []*gitstorev1.Revision) *gitstorev1.Revision {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}
