// Command notices writes THIRD_PARTY_NOTICES: the licences of every module whose code is in a shipped program, for every platform we
// build for. It reads the module cache and nothing else; the same go.mod gives the same bytes on every machine.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// shipped are the programs that users get; the lab and the tools are not among them.
var shipped = []string{"./cmd/netraven", "./cmd/netraven-agent"}

// targets are the platforms we build for; a module that only one of them needs is shipped too.
var targets = []string{"linux/amd64", "linux/arm64", "darwin/arm64"}

const preamble = `Third-party notices

NetRaven's programs contain code of the Go modules below, each under its own licence, printed after its name as the module carries it.
They also contain parts of Go's standard library, whose licence is the one printed under golang.org/x/crypto.
This file is written by "make notices"; do not edit it.
`

// licenceName matches the files that hold licence terms or notices that must be passed on.
var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|copyright|unlicense)([.\-_].*)?$`)

// module is one module of a program.
type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

func main() {
	out := flag.String("o", "THIRD_PARTY_NOTICES", "file to write; - is standard output")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	modules := map[string]module{}
	for _, target := range targets {
		if err := list(target, modules); err != nil {
			return err
		}
	}
	text, err := notices(modules)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := os.Stdout.Write(text)
		return err
	}
	if err := os.WriteFile(out, text, 0o644); err != nil {
		return err
	}
	fmt.Printf("%s names %d modules.\n", out, len(modules))
	return nil
}

// list adds the modules of the shipped programs on one platform ("os/arch") to modules.
func list(target string, modules map[string]module) error {
	goos, goarch, _ := strings.Cut(target, "/")
	cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Module"}, shipped...)...)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list for %s: %w", target, err)
	}
	for dec := json.NewDecoder(bytes.NewReader(text)); ; {
		var pkg struct{ Module *module }
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list for %s: %w", target, err)
		}
		if m := pkg.Module; m != nil && !m.Main {
			modules[m.Path] = *m
		}
	}
}

// notices prints the modules by path, each with its licence files. A module without one is an error: it may not be shipped.
func notices(modules map[string]module) ([]byte, error) {
	paths := make([]string, 0, len(modules))
	for path := range modules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var b bytes.Buffer
	b.WriteString(preamble)
	for _, path := range paths {
		m := modules[path]
		if m.Replace != nil {
			m.Dir = m.Replace.Dir
		}
		files, err := licences(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		fmt.Fprintf(&b, "\n%s\n%s %s\n%s\n", strings.Repeat("=", 80), path, m.Version, strings.Repeat("=", 80))
		for _, file := range files {
			fmt.Fprintf(&b, "\n---- %s\n\n%s\n", file.name, file.text)
		}
	}
	return b.Bytes(), nil
}

type file struct{ name, text string }

// licences reads the licence files at the top of a module.
func licences(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("not in the module cache (go mod download): %w", err)
	}
	var found []file
	for _, e := range entries {
		if e.IsDir() || !licenceName.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, file{e.Name(), clean(string(text))})
	}
	if len(found) == 0 {
		return nil, errors.New("carries no licence file")
	}
	return found, nil
}

// clean gives lines our line ends and drops what trails them, so that the file is the same wherever it is written.
func clean(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
