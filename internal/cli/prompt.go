package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/netraven/netraven/internal/secret"
)

// maxSecret bounds what is read of a secret: the longest private keys have a few kilobytes.
const maxSecret = 64 << 10

// input is standard input, buffered once for the whole process: several answers may come in one write.
func (a *app) input(cmd *cobra.Command) *bufio.Reader {
	if a.stdin == nil {
		a.stdin = bufio.NewReader(cmd.InOrStdin())
	}
	return a.stdin
}

// ask reads one line: after a question on a terminal, silently otherwise.
func (a *app) ask(cmd *cobra.Command, what string) (string, error) {
	if isTerminal(cmd.InOrStdin()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: ", what)
	}
	return a.line(cmd, what)
}

// askSecret reads one line without showing it; without a terminal it is the next line of standard input.
func (a *app) askSecret(cmd *cobra.Command, what string) (secret.String, error) {
	in := cmd.InOrStdin()
	if !isTerminal(in) {
		line, err := a.line(cmd, what)
		return secret.NewString(line), err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: ", what)
	b, err := term.ReadPassword(in.(*os.File).Fd())
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return secret.String{}, fmt.Errorf("the %s cannot be read: %w", strings.ToLower(what), err)
	}
	return secret.NewString(string(b)), nil
}

// askNewSecret is askSecret for a secret that is being chosen: a person types it twice.
func (a *app) askNewSecret(cmd *cobra.Command, what string) (secret.String, error) {
	first, err := a.askSecret(cmd, what)
	if err != nil || !isTerminal(cmd.InOrStdin()) {
		return first, err
	}
	again, err := a.askSecret(cmd, what+" again")
	if err == nil && first.Reveal() != again.Reveal() {
		err = errors.New("the two are not the same")
	}
	return first, err
}

func (a *app) line(cmd *cobra.Command, what string) (string, error) {
	var b strings.Builder
	for in := a.input(cmd); b.Len() <= maxSecret; {
		part, more, err := in.ReadLine()
		b.Write(part)
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("no %s was given: standard input ended", strings.ToLower(what))
		}
		if err != nil || !more {
			return b.String(), err
		}
	}
	return "", fmt.Errorf("the %s is longer than %d bytes", strings.ToLower(what), maxSecret)
}

// secretFile reads a secret from a file, or all of standard input for "-". One line end at the end is the editor's, not the secret's.
func (a *app) secretFile(cmd *cobra.Command, path string) (secret.String, error) {
	var in io.Reader = a.input(cmd)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return secret.String{}, err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	if err != nil {
		return secret.String{}, err
	}
	if len(b) > maxSecret {
		return secret.String{}, fmt.Errorf("%s has more than %d bytes; that is no secret", path, maxSecret)
	}
	return secret.NewString(strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")), nil
}
