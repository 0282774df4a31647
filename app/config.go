package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/netraven/netraven/internal/secret"
)

// Config says what runs in this process and where. Default() is usable as it is.
type Config struct {
	// Data is the folder of everything that must survive.
	Data string
	// HTTP serves REST, health and metrics; GRPC users; Internal other services, by mutual TLS; Agents agents. "off" listens nowhere.
	HTTP, GRPC, Internal, Agents string
	// Services that run here; empty: all.
	Services []string
	// DatabaseURL is an external PostgreSQL; empty: the private one.
	DatabaseURL secret.String
	// PGBin is the folder with the private PostgreSQL's programs; empty: look for them.
	PGBin string
	// Certs is the folder that `netraven certs init` made; needed when a neighbour is not here.
	Certs string
	// Peers are the addresses of the services that are not here.
	Peers map[string]string
	// AgentAddress is what agents dial, as join commands show it; empty: the Agents address.
	AgentAddress string
	// TLSCert and TLSKey are PEM files for HTTP and GRPC; needed off loopback.
	TLSCert, TLSKey string
	// InsecureHTTP allows plain HTTP and gRPC off loopback, behind a proxy that does TLS.
	InsecureHTTP bool
	// AdminPassword is the password of `admin` at the very first start; empty: a random one in <data>/admin-password.
	AdminPassword secret.String
	// LogLevel is debug, info, warn or error; LogFormat text or json.
	LogLevel, LogFormat string
	// Version is shown to people.
	Version string
	// Mirror is the second place of the history: a folder that exists, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME; empty: none.
	Mirror string
	// MaxSessions bounds the local agent's sessions with devices. 0: the gateway's own bound.
	MaxSessions int
	// KeepOriginalsDays is how long original configurations are kept, but for the newest of each device. 0: for ever.
	KeepOriginalsDays int
	// HistoryText is masked or plain: whether git holds the secrets of configurations. Empty: masked.
	HistoryText string
	// KeepRunsDays is how long ended runs are kept, with their tasks, logs and results. 0: 90; negative: for ever.
	KeepRunsDays int
}

// Default is what runs without a word of configuration.
func Default() Config {
	return Config{
		Data: defaultData(), HTTP: "127.0.0.1:8080", GRPC: "127.0.0.1:9090", Internal: "127.0.0.1:9091", Agents: "127.0.0.1:9443",
		LogLevel: "info", LogFormat: "text",
	}
}

func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/netraven"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "netraven-data"
	}
	return filepath.Join(home, ".local", "state", "netraven")
}

// file is the configuration file: the same things, grouped.
type file struct {
	Data     string   `yaml:"data"`
	HTTP     string   `yaml:"http"`
	GRPC     string   `yaml:"grpc"`
	Internal string   `yaml:"internal"`
	Agents   string   `yaml:"agents"`
	Services []string `yaml:"services"`
	Database struct {
		URL string `yaml:"url"`
		Bin string `yaml:"bin"`
	} `yaml:"database"`
	Certs        string            `yaml:"certs"`
	Peers        map[string]string `yaml:"peers"`
	AgentAddress string            `yaml:"agent_address"`
	TLS          struct {
		Cert string `yaml:"cert"`
		Key  string `yaml:"key"`
	} `yaml:"tls"`
	InsecureHTTP bool `yaml:"insecure_http"`
	Log          struct {
		Level  string `yaml:"level"`
		Format string `yaml:"format"`
	} `yaml:"log"`
	MaxSessions int `yaml:"max_sessions"`
	Retention   struct {
		RunsDays      int `yaml:"runs_days"`
		OriginalsDays int `yaml:"originals_days"`
	} `yaml:"retention"`
	Mirror  string `yaml:"mirror"`
	History struct {
		Text string `yaml:"text"`
	} `yaml:"history"`
}

// ReadFile puts what a YAML file says over c. An unknown key is an error that names it and its line.
func (c Config) ReadFile(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer func() { _ = f.Close() }()
	var in file
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&in); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	for to, from := range map[*string]string{
		&c.Data: in.Data, &c.HTTP: in.HTTP, &c.GRPC: in.GRPC, &c.Internal: in.Internal, &c.Agents: in.Agents, &c.PGBin: in.Database.Bin, &c.Certs: in.Certs,
		&c.AgentAddress: in.AgentAddress, &c.TLSCert: in.TLS.Cert, &c.TLSKey: in.TLS.Key, &c.LogLevel: in.Log.Level, &c.LogFormat: in.Log.Format,
		&c.Mirror: in.Mirror, &c.HistoryText: in.History.Text,
	} {
		if from != "" {
			*to = from
		}
	}
	if in.Database.URL != "" {
		c.DatabaseURL = secret.NewString(in.Database.URL)
	}
	if len(in.Services) > 0 {
		c.Services = in.Services
	}
	if len(in.Peers) > 0 {
		c.Peers = in.Peers
	}
	if in.MaxSessions > 0 {
		c.MaxSessions = in.MaxSessions
	}
	if in.Retention.OriginalsDays > 0 {
		c.KeepOriginalsDays = in.Retention.OriginalsDays
	}
	if in.Retention.RunsDays != 0 {
		c.KeepRunsDays = in.Retention.RunsDays
	}
	c.InsecureHTTP = c.InsecureHTTP || in.InsecureHTTP
	return c, nil
}

// ReadEnv puts what the environment says over c. Secrets are taken from here and from files, never from the command line.
func (c Config) ReadEnv(getenv func(string) string) Config {
	if v := getenv("NETRAVEN_DATABASE_URL"); v != "" {
		c.DatabaseURL = secret.NewString(v)
	}
	if v := getenv("NETRAVEN_HISTORY_TEXT"); v != "" {
		c.HistoryText = v
	}
	if v := getenv("NETRAVEN_ADMIN_PASSWORD"); v != "" {
		c.AdminPassword = secret.NewString(v)
	}
	return c
}

// Validate answers what is wrong, as a sentence that says what to do.
func (c Config) Validate() error {
	if c.Data == "" {
		return errors.New("--data must name a folder")
	}
	for _, name := range c.Services {
		if !slices.Contains(ServiceNames(), name) {
			return fmt.Errorf("there is no service %q; there are %s", name, strings.Join(ServiceNames(), ", "))
		}
	}
	if remote := c.remote(); len(remote) > 0 {
		if c.DatabaseURL.Reveal() == "" {
			return errors.New("some services run elsewhere, so they must share a database: set database.url in the configuration file, or NETRAVEN_DATABASE_URL")
		}
		if c.Certs == "" {
			return errors.New("some services run elsewhere: make certificates with `netraven certs init DIR` and name the folder with --certs")
		}
	}
	if t := c.HistoryText; t != "" && t != masked && t != plain {
		return fmt.Errorf("history.text (--history-text) is %s or %s, not %q", masked, plain, t)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	for flag, addr := range map[string]string{"--http": c.HTTP, "--grpc": c.GRPC} {
		if addr != off && c.TLSCert == "" && !c.InsecureHTTP && !isLoopback(addr) {
			return fmt.Errorf("%s %s is not loopback: give --tls-cert and --tls-key, or --insecure-http if a proxy in front does TLS", flag, addr)
		}
	}
	return nil
}

const (
	off = "off"
	// What HistoryText may be.
	masked, plain = "masked", "plain"
)

// local tells whether a service runs here.
func (c Config) local(name string) bool {
	return len(c.Services) == 0 || slices.Contains(c.Services, name)
}

// remote are the services that run elsewhere.
func (c Config) remote() []string {
	var names []string
	for _, name := range ServiceNames() {
		if !c.local(name) {
			names = append(names, name)
		}
	}
	return names
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// agentAddress is what agents dial.
func (c Config) agentAddress() string {
	if c.AgentAddress != "" {
		return c.AgentAddress
	}
	return c.Agents
}
