package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

// maxAccept is how many keys the server accepts in one call.
const maxAccept = 1000

func (a *app) waitingHostKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "waiting-host-keys", Short: "List the devices whose last shown host key is not accepted",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.ListWaitingHostKeysResponse_Item](cmd.Context(), c, "/api/v1/host_keys", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("DEVICE", "FINGERPRINT", "ALGORITHM", "FIRST SEEN", "LAST SEEN")
			for _, w := range all.items {
				t.add(w.DeviceName, w.Key.GetFingerprint(), w.Key.GetAlgorithm(), when(w.Key.GetFirstSeenAt()), when(w.Key.GetLastSeenAt()))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func (a *app) acceptHostKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "accept-host-keys FILE", Short: "Trust the host keys that many devices showed last (- is standard input)",
		Long: "Trust the host keys that many devices showed last. The file has a device and a fingerprint on each line; what follows them is ignored, so\n" +
			"that the table of waiting-host-keys is such a file once its fingerprints have been compared. A key that is not the one a device showed last\n" +
			"is not accepted and stops no other; the command then ends with exit code 1.",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			data, err := a.importFile(cmd, args[0])
			if err != nil {
				return err
			}
			names, keys, err := readFingerprints(string(data))
			if err != nil {
				return err
			}
			ids, err := each(cmd.Context(), names, c.deviceID)
			if err != nil {
				return err
			}
			t := newTable("DEVICE", "FINGERPRINT", "RESULT")
			out := &inventoryv1.AcceptHostKeysResponse{}
			for from := 0; from < len(ids); from += maxAccept {
				var items []fieldMap
				for i := from; i < min(from+maxAccept, len(ids)); i++ {
					items = append(items, fieldMap{"device_id": ids[i], "fingerprint": keys[i]})
				}
				part := &inventoryv1.AcceptHostKeysResponse{}
				if _, err := c.post(cmd.Context(), "/api/v1/host_keys:accept", fieldMap{"items": items}, part); err != nil {
					return err
				}
				for k, item := range part.Items {
					t.add(names[from+k], item.Fingerprint, cmp.Or(item.Error, "accepted"))
				}
				out.Items, out.Accepted, out.Errors = append(out.Items, part.Items...), out.Accepted+part.Accepted, out.Errors+part.Errors
			}
			raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(out)
			if err != nil {
				return err
			}
			if err := a.show(cmd, raw, t); err != nil {
				return err
			}
			say(cmd, "Trusted %d of %d keys.", out.Accepted, len(ids))
			if out.Errors > 0 {
				return outcome(ExitFailure)
			}
			return nil
		}),
	}
}

// readFingerprints reads lines of device and fingerprint; a table's header, blank lines and comments are passed over.
func readFingerprints(text string) (names, keys []string, err error) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#") || words[0] == "DEVICE":
		case len(words) < 2 || !strings.HasPrefix(words[1], "SHA256:"):
			return nil, nil, fmt.Errorf("line %d is not a device and a fingerprint such as SHA256:uNiVztksCsDhcc0u9e8B", n)
		default:
			names, keys = append(names, words[0]), append(keys, words[1])
		}
	}
	if len(names) == 0 && lines.Err() == nil {
		err = errors.New("the file names no device")
	}
	return names, keys, errors.Join(err, lines.Err())
}

func (a *app) forgetHostKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forget-host-key DEVICE FINGERPRINT", Short: "Take a host key from a device's list, as that of hardware that is gone", ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if _, err := c.post(cmd.Context(), deviceNoun.of(id, "/host_keys:forget"), fieldMap{"fingerprint": args[1]}, nil); err != nil {
				return err
			}
			say(cmd, "Forgot %s of %s.", safe(args[1]), safe(args[0]))
			return nil
		}),
	}
}

func (a *app) replaceHostKeyCommand() *cobra.Command {
	var within time.Duration
	var closed bool
	c := &cobra.Command{
		Use: "replace-host-key DEVICE", Short: "Plan that a device will be replaced: its next new host key is accepted, once", ValidArgsFunction: a.complete(0, deviceNames),
		Long: "Plan that a device will be replaced or get new host keys. Within the time given one key that is not accepted yet is accepted and pinned; that\n" +
			"closes the window, and so does its end. Whoever answers at the device's address in this time is sent its password: keep it short.",
		Example: "  netraven device replace-host-key core1 --within 4h\n  netraven device replace-host-key core1 --close",
	}
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		if closed == (within > 0) {
			return usageError(cmd, "give either --within or --close")
		}
		id, err := c.deviceID(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		body := fieldMap{}
		if within > 0 {
			body["until"] = time.Now().Add(within).UTC().Format(time.RFC3339)
		}
		d := &inventoryv1.Device{}
		raw, err := c.post(cmd.Context(), deviceNoun.of(id, "/host_keys:replace"), body, d)
		if err != nil {
			return err
		}
		if closed {
			say(cmd, "No new host key of %s is accepted any more.", safe(d.Name))
		} else {
			say(cmd, "One new host key of %s is accepted until %s.", safe(d.Name), when(d.HostKeyWindowUntil))
		}
		return a.show(cmd, raw, fields(d))
	})
	c.Flags().DurationVar(&within, "within", 0, "how long, such as 4h (at most 720h)")
	c.Flags().BoolVar(&closed, "close", false, "close a window that is open")
	return c
}
