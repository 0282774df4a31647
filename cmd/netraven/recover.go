package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/services/gitstore"
)

// recoverCommand opens originals without a server.
func recoverCommand() *cobra.Command {
	var what gitstore.RecoverConfig
	var key, publicKey, out string
	cmd := &cobra.Command{
		Use:   "recover --mirror DIR|s3://... --key FILE [DEVICE]",
		Short: "Open original configurations of a mirror with the offline recovery key, without a server",
		Long: "Open original configurations of a mirror with the offline recovery key. It needs no server, no database, no key of a server and no git. DEVICE is a\n" +
			"name, SITE/NAME or an id. One original goes to standard output; with --out DIR each goes into a file, and without DEVICE that is the newest of\n" +
			"every artifact of every device. What is written are secrets: files have mode 0600.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				what.Device = args[0]
			}
			if key == "" && !what.List {
				return errors.New("--key names the file with the recovery key")
			}
			if what.Device == "" && out == "" && !what.List {
				return errors.New("name a DEVICE, or a folder for all of them with --out")
			}
			var found []gitstore.Recovered
			each := func(r gitstore.Recovered) error {
				if out != "" && !what.List {
					return save(cmd.OutOrStdout(), out, r)
				}
				found = append(found, r)
				return nil
			}
			err := app.Recover(cmd.Context(), what, key, publicKey, each)
			if out != "" && !what.List {
				return err
			}
			return errors.Join(err, show(cmd.OutOrStdout(), found, what.List))
		},
	}
	f := cmd.Flags()
	f.StringVar(&what.From, "mirror", "", "the mirror, as --mirror of serve names it")
	f.StringVar(&key, "key", "", "file with the offline recovery key")
	f.StringVar(&what.Artifact, "artifact", "", "only this artifact, such as running.cfg")
	f.StringVar(&what.Revision, "revision", "", "this revision instead of the newest")
	f.BoolVar(&what.List, "list", false, "list the originals there are, without opening any")
	f.StringVar(&out, "out", "", "folder to write files into")
	f.StringVar(&publicKey, "public-key", "", "public key that the mirror must be signed with (default: any)")
	_ = cmd.MarkFlagRequired("mirror")
	return cmd
}

// show prints a list, or one original byte for byte.
func show(w io.Writer, found []gitstore.Recovered, list bool) error {
	if !list && len(found) == 1 {
		_, err := w.Write(found[0].Text)
		return err
	}
	if !list && len(found) > 1 {
		names := make([]string, len(found))
		for i, r := range found {
			names[i] = r.Artifact
		}
		return fmt.Errorf("the device has %d artifacts %v: choose one with --artifact, or write all with --out DIR", len(found), names)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\n", r.RevisionID, r.CreatedAt.Local().Format("2006-01-02 15:04:05"), r.DeviceID, r.Size, nameOf(r))
	}
	return t.Flush()
}

// nameOf is where an original is written to. A mirror that anybody may have signed must not choose a place outside.
func nameOf(r gitstore.Recovered) string {
	if filepath.IsLocal(r.Path) {
		return r.Path
	}
	return filepath.Join(filepath.Base(r.DeviceID), filepath.Base(r.Artifact))
}

// save writes an original into a new file. Where another device was at the same place before, the device's id tells them apart.
func save(w io.Writer, dir string, r gitstore.Recovered) error {
	file := filepath.Join(dir, nameOf(r))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		file += "." + filepath.Base(r.DeviceID)
		f, err = os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(r.Text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintln(w, file)
	return nil
}
