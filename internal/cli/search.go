package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

const searchPath = "/api/v1/configs:search"

// searchFlags are what config search takes.
type searchFlags struct {
	regex, ignoreCase bool
	context, limit    int
	devices, sites    []string
	platforms, tags   []string
	artifact          string
}

func (a *app) configSearchCommand() *cobra.Command {
	var f searchFlags
	c := &cobra.Command{
		Use: "search PATTERN", Short: "Find lines in the newest configurations of all devices",
		Long: "Find lines in the newest configurations of all devices, as text or, with --regex, as an expression (RE2 syntax, within one line). Masked\n" +
			"texts are searched: a secret is found by its tag, such as '<secret:9c1f'. Hits are printed as DEVICE:ARTIFACT:LINE:TEXT, lines around them\n" +
			"with - in place of the last two colons. Exit code 1: nothing was found.",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			query, err := f.query(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return a.search(cmd, c, query, f.limit)
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
	_ = c.RegisterFlagCompletionFunc("device", a.complete(0, deviceNames))
	return c
}

func (f *searchFlags) query(ctx context.Context, c *client, pattern string) (url.Values, error) {
	devices, err := each(ctx, f.devices, c.deviceID)
	if err != nil {
		return nil, err
	}
	sites, err := each(ctx, f.sites, c.siteID)
	if err != nil {
		return nil, err
	}
	q := url.Values{"q": {pattern}, "device_ids": devices, "site_ids": sites, "platforms": f.platforms, "tags": f.tags}
	for name, value := range map[string]string{"artifact": f.artifact, "context": strconv.Itoa(f.context), "regex": strconv.FormatBool(f.regex),
		"ignore_case": strconv.FormatBool(f.ignoreCase)} {
		q.Set(name, value)
	}
	return q, nil
}

// search prints hits as they come, page by page, until all is searched or limit is reached.
func (a *app) search(cmd *cobra.Command, c *client, query url.Values, limit int) error {
	merged := struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next_page_token"`
	}{Items: []json.RawMessage{}}
	p := hitPrinter{out: cmd.OutOrStdout(), around: query.Get("context") != "0"}
	found, unreadable := 0, int32(0)
	for {
		query.Set("page_size", strconv.Itoa(pageSize))
		if limit > 0 {
			query.Set("page_size", strconv.Itoa(min(pageSize, limit-found)))
		}
		answer := &gitstorev1.SearchConfigsResponse{}
		raw, err := c.get(cmd.Context(), searchPath, query, answer)
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
		if answer.NextPageToken == query.Get("page_token") {
			return errors.New("the server's list of hits does not end")
		}
		query.Set("page_token", answer.NextPageToken)
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

// hitPrinter prints hits as grep does: files one after the other, and a line between parts that do not touch.
type hitPrinter struct {
	out    io.Writer
	around bool
	// last waits for the next one: the lines after it may be hits themselves.
	last *gitstorev1.Hit
	// file and line are of what was printed last.
	file string
	line int32
}

func (p *hitPrinter) print(hits []*gitstorev1.Hit) {
	for _, h := range hits {
		p.after(h)
		file := safe(h.DeviceName) + ":" + safe(h.Artifact)
		first := h.Line - int32(len(h.Before))
		if p.around && p.file != "" && (file != p.file || first > p.line+1) {
			fmt.Fprintln(p.out, "--")
		}
		if file != p.file {
			p.file, p.line = file, 0
		}
		p.lines("-", first, h.Before)
		p.lines(":", h.Line, []string{h.Text})
		p.last = h
	}
}

// after prints what follows the last hit, up to the next one.
func (p *hitPrinter) after(next *gitstorev1.Hit) {
	h := p.last
	if h == nil {
		return
	}
	after := h.After
	if next != nil && next.DeviceId == h.DeviceId && next.Artifact == h.Artifact && next.Line > h.Line {
		after = after[:min(len(after), int(next.Line-h.Line)-1)]
	}
	p.lines("-", h.Line+1, after)
	p.last = nil
}

// lines prints those that were not printed yet.
func (p *hitPrinter) lines(mark string, first int32, all []string) {
	for i, text := range all {
		if n := first + int32(i); n > p.line {
			fmt.Fprintf(p.out, "%s%s%d%s%s\n", p.file, mark, n, mark, safe(text))
			p.line = n
		}
	}
}
