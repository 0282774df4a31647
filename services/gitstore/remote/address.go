package remote

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"unicode"
)

// Address is where a remote is.
type Address struct {
	// SSH tells the ways apart; else it is HTTPS.
	SSH bool
	// User is the user name that the address names; empty: none.
	User string
	// Host is name or address, and port.
	Host string
	// Path is the repository, as the server is told: over HTTPS escaped as it was written.
	Path string
}

const maxAddress = 2000

var (
	errForm     = errors.New("an address looks like https://git.example.net/net/configs.git, ssh://git@git.example.net/net/configs.git or git@git.example.net:net/configs.git")
	errPassword = errors.New("no password belongs in an address, which everybody sees; give it as password")
	errPlain    = errors.New("http:// and git:// show the configurations to the network; use https:// or ssh://")
	errLocal    = errors.New("a folder of the server is no remote; a copy beside the history is what serve --mirror makes")
)

// ParseAddress reads an address as people write it. Its errors are for people, and do not quote it.
func ParseAddress(text string) (Address, error) {
	if text == "" || len(text) > maxAddress || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return Address{}, errForm
	}
	if !strings.Contains(text, "://") {
		return parseShort(text)
	}
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return Address{}, errForm
	}
	if _, has := u.User.Password(); has {
		return Address{}, errPassword
	}
	a := Address{User: u.User.Username(), Host: u.Host, Path: u.EscapedPath()}
	port := "443"
	switch u.Scheme {
	case "https":
	case "ssh":
		a.SSH, port = true, "22"
		// As git has it: /~ann/configs.git is below ann's home.
		if a.Path = u.Path; strings.HasPrefix(a.Path, "/~") {
			a.Path = a.Path[1:]
		}
	case "http", "git":
		return Address{}, errPlain
	case "file":
		return Address{}, errLocal
	default:
		return Address{}, errForm
	}
	if u.Port() == "" {
		a.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return a.checked(u.Hostname())
}

// parseShort reads user@host:path, which is SSH.
func parseShort(text string) (Address, error) {
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") {
		return Address{}, errLocal
	}
	user, rest, ok := strings.Cut(text, "@")
	switch {
	case !ok && strings.Contains(text, ":"):
		return Address{}, errForm
	case !ok || strings.Contains(user, "/"):
		return Address{}, errLocal
	case strings.Contains(user, ":"):
		return Address{}, errPassword
	}
	host, path, ok := strings.Cut(rest, ":")
	if inner, v6 := strings.CutPrefix(rest, "["); v6 { // git@[2001:db8::1]:path
		host, path, ok = strings.Cut(inner, "]:")
	}
	if !ok || user == "" {
		return Address{}, errForm
	}
	return Address{SSH: true, User: user, Host: net.JoinHostPort(host, "22"), Path: path}.checked(host)
}

func (a Address) checked(host string) (Address, error) {
	// What begins with a dash would be an option to a program on the server.
	if host == "" || strings.HasPrefix(host, "-") || strings.HasPrefix(a.Path, "-") || strings.Trim(a.Path, "/") == "" {
		return Address{}, errForm
	}
	return a, nil
}
