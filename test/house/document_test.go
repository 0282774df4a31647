package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/gen"
)

func documents(t *testing.T) []string {
	t.Helper()
	return files(t, func(p string) bool { return strings.HasSuffix(p, ".md") && !strings.Contains(p, "testdata/") })
}

var (
	fence  = regexp.MustCompile("(?s)```.*?```")
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	header = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	ticked = regexp.MustCompile("`([^`\\s]+)`")
	// placeholder is a word that stands for a name of the reader's.
	placeholder = regexp.MustCompile(`NAME|SERVICE|NOUN`)
)

func TestLinksOfDocumentsResolve(t *testing.T) {
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, doc), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			file := doc
			if target != "" {
				file = path.Join(path.Dir(doc), target)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
				assert.Fail(t, "broken link", "%s links to %s, which is not there", doc, m[1])
			} else if anchor != "" && strings.HasSuffix(file, ".md") {
				assert.Contains(t, anchors(read(t, file)), anchor, "%s links to a heading that %s has not", doc, file)
			}
		}
	}
}

// anchors are the headings of a document as links name them.
func anchors(text string) []string {
	var out []string
	for _, m := range header.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// A document that names a file of ours in backticks must be right. A name with a slash and an ending is such a name.
func TestDocumentsNameFilesThatExist(t *testing.T) {
	ours := regexp.MustCompile(`^(app|cmd|db|deploy|device|docs|gateway-agent|gen|internal|jobkind|lab|platforms|proto|services|test|tools)/[\w./*<>-]+$`)
	for _, doc := range documents(t) {
		for _, m := range ticked.FindAllStringSubmatch(fence.ReplaceAllString(read(t, doc), ""), -1) {
			name := strings.TrimSuffix(m[1], "/...")
			if !ours.MatchString(name) || strings.ContainsAny(name, "<>") || placeholder.MatchString(name) {
				continue
			}
			found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(name)))
			require.NoError(t, err)
			assert.NotEmpty(t, found, "%s names %s, which is not there", doc, m[1])
		}
	}
}

func TestDecisionsAreNumberedAndWhole(t *testing.T) {
	pages := files(t, func(p string) bool { return strings.HasPrefix(p, "docs/decisions/") && path.Base(p) != "README.md" })
	require.NotEmpty(t, pages)
	index := read(t, "docs/decisions/README.md")
	for _, page := range pages {
		assert.Regexp(t, `^\d{4}-[a-z0-9-]+\.md$`, path.Base(page))
		assert.Contains(t, index, "("+path.Base(page)+")", "docs/decisions/README.md does not list %s", page)
		for _, part := range []string{"## Context", "## Decision", "## Consequences"} {
			assert.Contains(t, read(t, page), part, "%s", page)
		}
	}
}

func TestCommandsInDocumentsAreMakeTargets(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	for _, doc := range documents(t) {
		for _, m := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(read(t, doc), -1) {
			assert.True(t, targets[m[1]], "%s says make %s, which the Makefile has not", doc, m[1])
		}
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	var document struct {
		Swagger string                                `json:"swagger"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(gen.OpenAPI, &document))
	assert.Equal(t, "2.0", document.Swagger)
	for _, r := range rpcs(t) {
		if r.http == nil {
			continue
		}
		verb, route := route(r.http)
		assert.Contains(t, document.Paths[route], verb, "OpenAPI lacks %s %s (%s): run make gen", verb, route, r.FullName())
	}
}

func TestNoticesAreCurrent(t *testing.T) {
	cmd := exec.Command("go", "run", "./tools/notices", "-o", "-")
	cmd.Dir = root
	want, err := cmd.Output()
	require.NoError(t, err)
	if string(want) != read(t, "THIRD_PARTY_NOTICES") { // too long to print
		assert.Fail(t, "drift", "THIRD_PARTY_NOTICES is not current: run make notices")
	}
	assert.Contains(t, read(t, "LICENSE"), "Apache License")
}

// An answer of bytes is what the .proto files say nothing of: proto/openapi.yaml says what they are.
func TestTheAPIsDocumentSaysWhatBytesAre(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"responses"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(gen.OpenAPI, &document))
	require.NotEmpty(t, document.Paths)
	for at, methods := range document.Paths {
		for method, operation := range methods {
			require.NotContains(t, string(operation.Responses["200"].Schema), "HttpBody", "%s %s", method, at)
		}
	}
}
