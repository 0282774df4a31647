package cli

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"
)

const defaultServer = "http://127.0.0.1:8080"

// app is what the commands of one process share: the flags' values, and what is made from them at first use.
type app struct {
	server, token, ca, output string

	made  *client
	stdin *bufio.Reader
}

// client answers the client for the server that the flags and the environment name.
func (a *app) client() (*client, error) {
	if a.output != "table" && a.output != "json" {
		return nil, fmt.Errorf("--output is table or json, not %q", a.output)
	}
	if a.made != nil {
		return a.made, nil
	}
	base, err := parseServer(cmp.Or(a.server, os.Getenv("NETRAVEN_SERVER"), defaultServer))
	if err != nil {
		return nil, err
	}
	c, err := newClient(base, cmp.Or(a.ca, os.Getenv("NETRAVEN_CA")))
	if err != nil {
		return nil, err
	}
	if c.session, err = newSession(c, cmp.Or(a.token, os.Getenv("NETRAVEN_TOKEN"))); err != nil {
		return nil, err
	}
	a.made = c
	return c, nil
}

func (a *app) json() bool { return a.output == "json" }

// show prints an answer: the API's JSON as it came, or the table made from it.
func (a *app) show(cmd *cobra.Command, raw json.RawMessage, t table) error {
	if a.json() {
		return writeJSON(cmd.OutOrStdout(), raw)
	}
	return t.write(cmd.OutOrStdout())
}

// say writes a sentence for people, where it cannot be mistaken for an answer.
func say(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
}

func writeJSON(w io.Writer, raw json.RawMessage) error {
	out, err := indentJSON(raw)
	if err != nil {
		return fmt.Errorf("the server's answer is not JSON: %w", err)
	}
	if isTerminal(w) {
		out = []byte(escapeHidden(string(out)))
	}
	_, err = w.Write(out)
	return err
}

// isTerminal tells whether a stream is a terminal that a person looks at.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// widthOf answers how many cells wide a terminal is, or zero where nobody knows it: no terminal, or one without a window (ssh -tt from a script).
func widthOf(stream any) int {
	if !isTerminal(stream) {
		return 0
	}
	width, height, err := term.GetSize(stream.(*os.File).Fd())
	if err != nil || width <= 0 || height <= 0 {
		return 0
	}
	return width
}
