package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/internal/logx"
)

// serveCommand runs the server until it is told to stop. Values come from the command line, else the environment, else the file, else the defaults.
func serveCommand() *cobra.Command {
	given := app.Default()
	var config string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: all services, or some",
		Long: "Run the server. Without any flag everything runs in this process on loopback addresses, with a private PostgreSQL under --data.\n" +
			"The database URL of an external PostgreSQL comes from the configuration file or NETRAVEN_DATABASE_URL, the password of the first\n" +
			"user (random otherwise) from NETRAVEN_ADMIN_PASSWORD: secrets are never taken from the command line.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg := app.Default()
			if config != "" {
				var err error
				if cfg, err = cfg.ReadFile(config); err != nil {
					return err
				}
			}
			return serve(cmd.Context(), override(cfg.ReadEnv(os.Getenv), given, cmd.Flags().Changed), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "configuration file (YAML)")
	f.StringVar(&given.Data, "data", given.Data, "folder of everything that must survive")
	f.StringVar(&given.HTTP, "http", given.HTTP, "address of REST, health and metrics")
	f.StringVar(&given.GRPC, "grpc", given.GRPC, "address of gRPC for users; off: none")
	f.StringVar(&given.Internal, "internal", given.Internal, "address for services elsewhere (mutual TLS)")
	f.StringVar(&given.Agents, "agents", given.Agents, "address that agents connect to")
	f.StringVar(&given.AgentAddress, "agent-address", "", "address that agents are told to connect to (default: --agents)")
	f.StringSliceVar(&given.Services, "services", nil, "services to run here (default: all)")
	f.StringVar(&given.Certs, "certs", "", "folder made by netraven certs init")
	f.StringToStringVar(&given.Peers, "peer", nil, "service=address of a service elsewhere; may be repeated")
	f.StringVar(&given.PGBin, "pg-bin", "", "folder with postgres and initdb for the private PostgreSQL")
	f.StringVar(&given.TLSCert, "tls-cert", "", "certificate (PEM) for --http and --grpc")
	f.StringVar(&given.TLSKey, "tls-key", "", "key (PEM) of --tls-cert")
	f.BoolVar(&given.InsecureHTTP, "insecure-http", false, "allow --http and --grpc without TLS off loopback, behind a proxy that does TLS")
	f.StringVar(&given.Mirror, "mirror", "", "second place of the history: a folder that exists, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME")
	f.StringVar(&given.HistoryText, "history-text", "", "masked, or plain: git and all who may read revisions see every secret (default masked)")
	f.IntVar(&given.MaxSessions, "max-sessions", 0, "most sessions of the local agent with devices at once (default 256)")
	f.StringVar(&given.LogLevel, "log-level", given.LogLevel, "debug, info, warn or error")
	f.StringVar(&given.LogFormat, "log-format", given.LogFormat, "text or json")
	return cmd
}

// override puts the flags that were given over cfg.
func override(cfg, given app.Config, changed func(string) bool) app.Config {
	for flag, set := range map[string]func(){
		"data": func() { cfg.Data = given.Data }, "http": func() { cfg.HTTP = given.HTTP }, "grpc": func() { cfg.GRPC = given.GRPC },
		"internal": func() { cfg.Internal = given.Internal }, "agents": func() { cfg.Agents = given.Agents },
		"agent-address": func() { cfg.AgentAddress = given.AgentAddress }, "services": func() { cfg.Services = given.Services },
		"certs": func() { cfg.Certs = given.Certs }, "peer": func() { cfg.Peers = given.Peers }, "pg-bin": func() { cfg.PGBin = given.PGBin },
		"tls-cert": func() { cfg.TLSCert = given.TLSCert }, "tls-key": func() { cfg.TLSKey = given.TLSKey },
		"insecure-http": func() { cfg.InsecureHTTP = given.InsecureHTTP }, "max-sessions": func() { cfg.MaxSessions = given.MaxSessions },
		"mirror": func() { cfg.Mirror = given.Mirror }, "history-text": func() { cfg.HistoryText = given.HistoryText },
		"log-level": func() { cfg.LogLevel = given.LogLevel }, "log-format": func() { cfg.LogFormat = given.LogFormat },
	} {
		if changed(flag) {
			set()
		}
	}
	cfg.Version = version
	return cfg
}

func serve(ctx context.Context, cfg app.Config, out io.Writer) error {
	data, err := filepath.Abs(cfg.Data)
	if err != nil {
		return err
	}
	cfg.Data = data
	house, err := app.Start(ctx, cfg, logx.New(os.Stderr, cfg.LogLevel, cfg.LogFormat))
	if err != nil {
		return err
	}
	welcome(out, cfg, house)
	err = house.Wait(ctx)
	fmt.Fprintln(out, "stopping")
	house.Stop()
	return err
}

func welcome(out io.Writer, cfg app.Config, h *app.House) {
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	fmt.Fprintf(out, "NetRaven %s is up\n", cfg.Version)
	for _, line := range []struct{ what, value string }{
		{"REST", at(scheme+"://", h.HTTPAddr(), "/api/openapi.json")},
		{"gRPC", at("", h.GRPCAddr(), "")},
		{"agents", at("", h.AgentsAddr(), "")},
		{"data", cfg.Data},
		{"first sign-in", file(cfg.Data, "admin-password", "user admin, password in %s")},
		{"recovery key", file(cfg.Data, "recovery-key", "in %s: move it offline, it opens every backup without this server")},
	} {
		if line.value != "" {
			fmt.Fprintf(out, "  %-14s %s\n", line.what, line.value)
		}
	}
}

func at(before, addr, after string) string {
	if addr == "" {
		return ""
	}
	return before + addr + after
}

// file is a line about a file that is there only until somebody acts on it.
func file(dir, name, format string) string {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return fmt.Sprintf(format, path)
}
