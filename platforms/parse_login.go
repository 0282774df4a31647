package platforms

import "go.yaml.in/yaml/v3"

func (f fields) login() Login {
	n := f.values["login"]
	if n == nil {
		f.problem(f.node, "login", "is missing")
		return Login{}
	}
	l := f.mapping(n, f.key("login"), "prompt", "username", "password", "failed", "answers", "enable", "setup", "logout", "newline")
	out := Login{
		Prompt:   l.pattern("prompt"),
		Username: l.pattern("username"),
		Password: l.pattern("password"),
		Failed:   l.patterns("failed"),
		Answers:  l.exchanges("answers"),
		Setup:    l.steps("setup"),
		Logout:   l.steps("logout"),
		Newline:  l.newline(),
	}
	if !l.has("prompt") {
		l.problem(n, l.key("prompt"), "is missing")
	}
	if e := l.values["enable"]; e != nil {
		out.Enable = l.enable(e)
	}
	return out
}

func (f fields) newline() string {
	switch s := f.text("newline"); s {
	case "":
		return "\n"
	case "\n", "\r", "\r\n":
		return s
	default:
		f.problem(f.values["newline"], f.key("newline"), `must be "\n", "\r" or "\r\n", in double quotes`)
		return "\n"
	}
}

func (f fields) enable(n *yaml.Node) *Enable {
	e := f.mapping(n, f.key("enable"), "when", "send", "expect", "failed", "with")
	if !e.has("when") {
		e.problem(n, e.key("when"), "is missing")
	}
	out := &Enable{When: e.pattern("when"), Send: e.command(), Expect: e.pattern("expect"), Failed: e.patterns("failed")}
	switch w := e.text("with"); w {
	case "":
	case "login_password":
		out.LoginPassword = true
	default:
		e.problem(e.values["with"], e.key("with"), "must be login_password, or be left out")
	}
	return out
}

// steps reads commands, each a text or {send, answers}.
func (f fields) steps(name string) []Step {
	nodes, at := f.items(name)
	var out []Step
	for i, n := range nodes {
		if n.Kind == yaml.ScalarNode {
			out = append(out, Step{Send: f.oneLine(n, at(i))})
			continue
		}
		s := f.mapping(n, at(i), "send", "answers")
		out = append(out, Step{Send: s.command(), Answers: s.exchanges("answers")})
	}
	return out
}

// exchanges reads a list of {expect, send}.
func (f fields) exchanges(name string) []Exchange {
	nodes, at := f.items(name)
	var out []Exchange
	for i, n := range nodes {
		x := f.mapping(n, at(i), "expect", "send")
		if !x.has("expect") && n.Kind == yaml.MappingNode {
			x.problem(n, x.key("expect"), "is missing")
		}
		out = append(out, Exchange{Expect: x.pattern("expect"), Send: x.needed("send")})
	}
	return out
}
