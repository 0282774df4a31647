package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/secret"
)

const searchPath = "/api/v1/configs:search"

// searchFlags are what config search takes.
type searchFlags struct {
	regex, ignoreCase bool
	context, limit    int
	devices, sites    []string
	platforms, tags   []string
	artifact          string
	history           bool
	since, until      string
	secret            bool
	secretFile        string
}

func (a *app) configSearchCommand() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use: "search [PATTERN]", Short: "Find lines in the configurations of all devices, as they are or as they were",
		Long: "Find lines in the newest configurations of all devices, as text or, with --regex, as an expression (RE2 syntax, within one line). Masked\n" +
			"texts are searched: a secret is found by its tag, such as '<secret:9c1f', or by its value with --secret or --secret-file, which need the\n" +
			"permission config.read_secret and are written to the audit trail; with these PATTERN is not needed. Hits are printed as\n" +
			"DEVICE:ARTIFACT:LINE:TEXT, lines around them with - in place of the last two colons. With --history all revisions are searched, and each\n" +
			"line is printed with the time from which it was there and the time since when it is not (-: it is still there). Exit code 1: nothing was\n" +
			"found.",
		Example: "  netraven config search 10.17.233.4\n  netraven config search --history --since 2026-01-01 'ip address 10.9.9.9'\n  netraven config search --secret",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			body, err := f.body(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			if err := a.searchedSecret(cmd, f, body); err != nil {
				return err
			}
			return a.search(cmd, c, body, f.limit)
		}),
	}
	flags := c.Flags()
	flags.BoolVarP(&f.regex, "regex", "E", false, "PATTERN is an expression")
	flags.BoolVarP(&f.ignoreCase, "ignore-case", "i", false, "letters match without their case")
	flags.IntVarP(&f.context, "context", "C", 0, "lines to show before and after each hit, at most 10")
	flags.IntVar(&f.limit, "limit", 0, "at most so many hits; 0: all")
	flags.StringSliceVar(&f.devices, "device", nil, "only these devices")
	flags.StringSliceVar(&f.sites, "site", nil, "only devices of these sites")
	flags.StringSliceVar(&f.platforms, "platform", nil, "only devices of these platforms")
	flags.StringSliceVar(&f.tags, "tag", nil, "only devices with one of these tags")
	flags.StringVar(&f.artifact, "artifact", "", "only this artifact, such as running.cfg")
	flags.BoolVar(&f.history, "history", false, "search all revisions, of deleted devices too")
	flags.StringVar(&f.since, "since", "", "with the history: lines that were there at this time or later (2026-05-01, or 2026-05-01T03:00:00Z)")
	flags.StringVar(&f.until, "until", "", "with the history: lines that were there before this time")
	flags.BoolVar(&f.secret, "secret", false, "ask for a secret, and find only lines that have it; without a terminal it is the next line of standard input")
	flags.StringVar(&f.secretFile, "secret-file", "", "file with that secret (- is standard input)")
	c.MarkFlagsMutuallyExclusive("secret", "secret-file")
	_ = c.RegisterFlagCompletionFunc("device", a.complete(0, deviceNames))
	return c
}

func (f *searchFlags) body(ctx context.Context, c *client, args []string) (fieldMap, error) {
	if len(args) == 0 && !f.secret && f.secretFile == "" {
		return nil, errors.New("say what to look for: PATTERN, --secret or --secret-file")
	}
	devices, err := each(ctx, f.devices, c.deviceID)
	if err != nil {
		return nil, err
	}
	sites, err := each(ctx, f.sites, c.siteID)
	if err != nil {
		return nil, err
	}
	body := fieldMap{"q": strings.Join(args, ""), "regex": f.regex, "ignore_case": f.ignoreCase, "context": f.context, "device_ids": devices, "site_ids": sites,
		"platforms": f.platforms, "tags": f.tags, "artifact": f.artifact, "history": f.history || f.since != "" || f.until != ""}
	for name, text := range map[string]string{"since": f.since, "until": f.until} {
		if text == "" {
			continue
		}
		if body[name], err = moment(name, text); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// moment reads a time that a person gives, in the person's time zone where it says none.
func moment(flag, text string) (string, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.UTC().Format(time.RFC3339), nil
		}
	}
	return "", fmt.Errorf("--%s is a day such as 2026-05-01 or a time such as 2026-05-01T03:00:00Z, not %q", flag, text)
}

// searchedSecret puts a secret into a search. It is no argument: arguments stay in the shell's history and are seen in ps.
func (a *app) searchedSecret(cmd *cobra.Command, f searchFlags, body fieldMap) error {
	var value secret.String
	var err error
	switch {
	case f.secret:
		value, err = a.askSecret(cmd, "Secret to look for")
	case f.secretFile != "":
		value, err = a.secretFile(cmd, f.secretFile)
	default:
		return nil
	}
	if err == nil && value.Reveal() == "" {
		err = errors.New("the secret is empty")
	}
	body["secret"] = value.Reveal()
	return err
}

// printer prints hits as they come; after(nil) is the end.
type printer interface {
	print(hits []*gitstorev1.Hit)
	after(next *gitstorev1.Hit)
}

// search prints hits as they come, page by page, until all is searched or limit is reached. The body of a POST takes them: what is in it is in no proxy's log.
func (a *app) search(cmd *cobra.Command, c *client, body fieldMap, limit int) error {
	merged := struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next_page_token"`
	}{Items: []json.RawMessage{}}
	var p printer = &hitPrinter{out: cmd.OutOrStdout(), around: body["context"] != 0}
	if body["history"] == true {
		p = &presencePrinter{out: cmd.OutOrStdout()}
	}
	found, unreadable := 0, int32(0)
	for {
		body["page_size"] = pageSize
		if limit > 0 {
			body["page_size"] = min(pageSize, limit-found)
		}
		answer := &gitstorev1.SearchConfigsResponse{}
		raw, err := c.post(cmd.Context(), searchPath, body, answer)
		if err != nil {
			return err
		}
		if a.json() {
			page := merged
			page.Items = nil
			if err := json.Unmarshal(raw, &page); err != nil {
				return fmt.Errorf("the server's answer is not a list: %w", err)
			}
			merged.Items = append(merged.Items, page.Items...)
		} else {
			p.print(answer.Items)
		}
		found, unreadable, merged.Next = found+len(answer.Items), unreadable+answer.Unreadable, answer.NextPageToken
		if answer.NextPageToken == "" || limit > 0 && found >= limit {
			break
		}
		if answer.NextPageToken == body["page_token"] {
			return errors.New("the server's list of hits does not end")
		}
		body["page_token"] = answer.NextPageToken
	}
	p.after(nil)
	if unreadable > 0 {
		say(cmd, "%d files could not be read and were not searched; the server's log names them.", unreadable)
	}
	if a.json() {
		raw, err := json.Marshal(merged)
		if err != nil {
			return err
		}
		return writeJSON(cmd.OutOrStdout(), raw)
	}
	if found == 0 {
		say(cmd, "Nothing was found.")
		return outcome(ExitFailure)
	}
	return nil
}
