package lab

import (
	"errors"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// loginTime bounds how long a client may take to log in.
const loginTime = 2 * time.Minute

var errRefused = errors.New("login refused")

// serve speaks SSH with one client until it has gone. d is the device whose
// listener took the connection; on a shared listener the login may choose
// another.
func (d *Device) serve(p *peer) {
	d.tally.connection()
	f := d.Fault()
	switch {
	case f.Reset, f.MaxSessions > 0 && d.tally.sessions() >= f.MaxSessions:
		p.reset()
		return
	case f.Mute:
		_, _ = io.Copy(io.Discard, p) // until the client gives up
		return
	}
	target := d
	cfg, err := d.serverConfig(f, &target)
	if err != nil {
		return
	}
	// Counted before the client hears of it, so that its next connection finds
	// this one counted.
	cfg.AuthLogCallback = func(_ ssh.ConnMetadata, _ string, err error) {
		if err == nil {
			target.tally.login(p)
		}
	}
	defer func() { target.tally.logout(p) }()
	// An error here is a connection that is gone, which the handshake reports.
	_ = p.SetDeadline(time.Now().Add(loginTime))
	conn, channels, requests, err := ssh.NewServerConn(p, cfg)
	if err != nil {
		return
	}
	_ = p.SetDeadline(time.Time{})
	d.lab.sessions.Go(func() { ssh.DiscardRequests(requests) })
	for nc := range channels {
		if nc.ChannelType() != "session" {
			_ = nc.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			break
		}
		s := newSession(target, p, conn.User(), ch)
		d.lab.sessions.Go(func() { s.requests(reqs) })
	}
	close(p.done)
	_ = conn.Close()
}

func (d *Device) serverConfig(f Fault, target **Device) (*ssh.ServerConfig, error) {
	cfg := &ssh.ServerConfig{
		ServerVersion: d.kind.version(),
		MaxAuthTries:  6,
		PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, d.login(c.User(), string(password), target)
		},
		KeyboardInteractiveCallback: func(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil || len(answers) != 1 {
				return nil, errRefused
			}
			return nil, d.login(c.User(), answers[0], target)
		},
	}
	if key := d.lab.cfg.AuthorizedKey; key != nil {
		cfg.PublicKeyCallback = func(c ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
			to, _ := d.choose(c.User())
			if to == nil || string(offered.Marshal()) != string(key.Marshal()) {
				return nil, errRefused
			}
			*target = to
			return nil, nil
		}
	}
	if f.LookAlikes {
		cfg.BannerCallback = func(ssh.ConnMetadata) string { return lookAlikes }
	}
	return cfg, d.algorithms(cfg, f.Legacy)
}

func (d *Device) algorithms(cfg *ssh.ServerConfig, legacy bool) error {
	if legacy {
		cfg.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDH1SHA1}
		cfg.Ciphers = []string{ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC}
		cfg.MACs = []string{ssh.HMACSHA1}
		key, err := d.keys.legacyRSA()
		if err == nil {
			cfg.AddHostKey(key)
		}
		return err
	}
	if d.lab.cfg.Cheap {
		cfg.KeyExchanges = []string{ssh.KeyExchangeCurve25519}
		cfg.Ciphers = []string{ssh.CipherAES128CTR}
		cfg.MACs = []string{ssh.HMACSHA256}
	}
	if d.lab.cfg.RSA {
		key, err := d.keys.rsaSigner()
		if err != nil {
			return err
		}
		cfg.AddHostKey(key)
	}
	key, err := d.keys.ed25519()
	if err == nil {
		cfg.AddHostKey(key)
	}
	return err
}

// choose finds the device that user names, and the account on it.
func (d *Device) choose(user string) (*Device, string) {
	if d.lab.cfg.Shared {
		account, name, ok := strings.Cut(user, "%")
		to, err := d.lab.Device(name)
		if !ok || err != nil {
			return nil, user
		}
		d, user = to, account
	}
	return d, d.kind.account(user)
}

// login checks one password. A refusal is counted on the device and in the
// directory that all devices share.
func (d *Device) login(user, password string, target **Device) error {
	to, account := d.choose(user)
	if to == nil {
		d.tally.refuse(account)
		d.lab.dir.refuse(account)
		return errRefused
	}
	to.mu.Lock()
	good := !to.fault.RefuseLogin && account == to.spec.Username && password == to.password
	to.mu.Unlock()
	if !good || d.lab.dir.locked(account) {
		to.tally.refuse(account)
		d.lab.dir.refuse(account)
		return errRefused
	}
	*target = to
	return nil
}
