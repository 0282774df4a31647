package jobkind

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/platforms"
)

// cli is a device on a real socket whose commands a test answers; it keeps what was typed.
type cli struct {
	answer func(line string) string
	exec   func(line string) string // nil: exec channels are accepted and say nothing
	prompt string

	mu    sync.Mutex
	lines []string
}

func (d *cli) typed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// attempt starts the device and returns an attempt at it.
func (d *cli) attempt(t *testing.T, page string) Env {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	config := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { d.serve(&wg, conn, config) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	p, problems := platforms.Parse("test.yaml", []byte(page))
	require.Empty(t, problems)
	return Env{
		Spec: &jobv1.TaskSpec{Address: "127.0.0.1", Port: int32(ln.Addr().(*net.TCPAddr).Port), TrustFirstKey: true,
			Deadline: timestamppb.New(time.Now().Add(time.Minute))},
		Page: p,
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return grant(&vaultv1.GrantedCredential{Id: "c", Name: "c", Username: "u", Password: "hidden-word"}), nil
		},
		Limits: quick,
	}
}

func (d *cli) serve(wg *sync.WaitGroup, conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	wg.Go(func() { ssh.DiscardRequests(requests) })
	for c := range channels {
		ch, in, err := c.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			for r := range in {
				_ = r.Reply(true, nil)
				switch {
				case r.Type == "shell":
					wg.Go(func() { d.talk(ch) })
				case r.Type == "exec" && d.exec != nil:
					_, _ = io.WriteString(ch, d.exec(string(r.Payload[4:])))
					_, _ = ch.SendRequest("exit-status", false, make([]byte, 4))
					_ = ch.Close()
				}
			}
		})
	}
}

func (d *cli) talk(ch ssh.Channel) {
	defer ch.Close()
	_, _ = io.WriteString(ch, d.prompt)
	in := bufio.NewScanner(ch)
	for in.Scan() {
		line := in.Text()
		if line != "" {
			d.mu.Lock()
			d.lines = append(d.lines, line)
			d.mu.Unlock()
		}
		text := ""
		if line != "" {
			text = d.answer(line)
		}
		_, _ = io.WriteString(ch, line+"\r\n"+text+d.prompt)
	}
}

const plainBackup = `
name: test
label: Test
login: {prompt: '^\w+# ?$', logout: exit}
reject: ['^% ']
backup:
`

func TestStepsAroundACommandAndLists(t *testing.T) {
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		switch line {
		case "config vdom":
			return "% no such mode\r\n"
		case "list":
			return "* root\r\n* dmz\r\n"
		case "show root":
			return "edit root\r\nend\r\n"
		case "show dmz":
			return "edit dmz\r\nend\r\n"
		}
		return ""
	}}
	env := d.attempt(t, plainBackup+`
  - artifact: all.cfg
    each: {send: list, match: '^\* (\w+)$'}
    before: [config global, config vdom, 'use {item}']
    send: ['show everything {item}', 'show {item}']
    after: [leave item, leave vdom, leave global]
    complete: {last_line: '^end$'}
`)
	d.answer = first(map[string]string{"show everything root": "% bad\r\n", "show everything dmz": "% bad\r\n"}, d.answer)
	out := Backup{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Equal(t, "edit root\nend\nedit dmz\nend\n", string(out.Artifacts[0].Original))
	require.Equal(t, []string{"list",
		"config global", "config vdom", "use root", "show everything root", "show root", "leave item", "leave global",
		"config global", "config vdom", "use dmz", "show everything dmz", "show dmz", "leave item", "leave global"}, without(d.typed(), "exit"))
}

func first(m map[string]string, then func(string) string) func(string) string {
	return func(line string) string {
		if text, ok := m[line]; ok {
			return text
		}
		return then(line)
	}
}

func without(lines []string, word string) []string {
	var out []string
	for _, l := range lines {
		if l != word {
			out = append(out, l)
		}
	}
	return out
}

func TestEverythingIsRefused(t *testing.T) {
	d := &cli{prompt: "r1# ", answer: func(string) string { return "% Command authorization failed for hidden-word\r\n" }}
	env := d.attempt(t, plainBackup+"  - {artifact: running.cfg, send: [show run view full, show run], complete: {last_line: '^end$'}}\n")
	out := Backup{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_REJECTED, out.Failure.GetClass())
	require.Equal(t, "c", out.Failure.GetCredential())
	require.Contains(t, out.Failure.GetHint(), "Command authorization failed")
	require.NotContains(t, out.Failure.String(), "hidden-word")
	require.Empty(t, out.Artifacts)
	require.Equal(t, jobv1.CredentialOutcome_WORKED, out.Credentials[0].GetResult())
}

func TestOptionalArtifactsMayFail(t *testing.T) {
	d := &cli{prompt: "r1# ", answer: func(line string) string {
		switch line {
		case "show run":
			return "hostname r1\r\nend\r\n"
		case "show half":
			return "half of it\r\n"
		}
		return "% no\r\n"
	}}
	env := d.attempt(t, plainBackup+`
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
  - {artifact: none.txt, send: show none, optional: true}
  - {artifact: half.txt, send: show half, optional: true, complete: {last_line: '^end$'}}
`)
	out := Backup{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Len(t, out.Artifacts, 1)
}

// One incomplete artifact takes the whole ones with it: nothing of that attempt counts.
func TestFailure72NothingOfAnIncompleteAttemptCounts(t *testing.T) {
	d := &cli{prompt: "r1# ", answer: func(line string) string {
		return map[string]string{"show run": "hostname r1\r\nend\r\n", "show more": "snmp-server community sesame ro\r\n"}[line]
	}}
	env := d.attempt(t, plainBackup+`
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
  - {artifact: more.cfg, send: show more, complete: {last_line: '^end$'}}
secrets: ['^snmp-server community (\S+)']
`)
	out := Backup{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_INCOMPLETE, out.Failure.GetClass())
	require.Equal(t, "complete", out.Failure.GetStage())
	require.Empty(t, out.Artifacts)
	require.NotContains(t, out.Failure.String(), "sesame")
}

func TestWeakCompletenessReadsTwiceAtFirstContact(t *testing.T) {
	reads := 0
	d := &cli{prompt: "sw1# "}
	d.answer = func(line string) string {
		if line != "show conf" {
			return ""
		}
		reads++
		return "vlan 1\r\nuptime " + strings.Repeat("x", reads) + "\r\n"
	}
	page := plainBackup + "  - {artifact: running.cfg, send: show conf, complete: {prompt_twice: true}, drop: ['^uptime ']}\n"
	env := d.attempt(t, page)
	out := Backup{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Equal(t, 2, reads)

	env.Known = []*gitstorev1.KnownDigest{{Artifact: "running.cfg", Label: "old", Digest: "old"}}
	require.Nil(t, Backup{}.Run(context.Background(), env).Failure)
	require.Equal(t, 3, reads, "a known device is read once")

	env = d.attempt(t, strings.Replace(page, ", drop: ['^uptime ']", "", 1))
	require.Equal(t, jobv1.Failure_INCOMPLETE, Backup{}.Run(context.Background(), env).Failure.GetClass())
}

func TestTheCatalogIsInOrder(t *testing.T) {
	name := ""
	for _, k := range Catalog() {
		require.Greater(t, k.Describe().GetName(), name)
		name = k.Describe().GetName()
		require.NotEmpty(t, k.Describe().GetDescription())
		found, ok := Lookup(name)
		require.True(t, ok)
		require.Equal(t, k.Describe(), found.Describe())
	}
	_, ok := Lookup("nothing")
	require.False(t, ok)
}

func TestABackupTakesNoOtherParameters(t *testing.T) {
	require.NoError(t, Backup{}.Validate(nil))
	params, err := structpb.NewStruct(map[string]any{"commands": "reload"})
	require.NoError(t, err)
	err = Backup{}.Validate(params)
	require.Equal(t, codes.InvalidArgument, errs.Code(err))
	require.Equal(t, "PARAMS_INVALID", errs.Reason(err))
	require.Equal(t, "params.commands", errs.From(err).Details()[0].Field)
}
