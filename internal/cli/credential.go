package cli

import (
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/secret"
)

func (a *app) credentialCommand() *cobra.Command {
	complete := namesOf[vaultv1.Credential](credentialNoun.path)
	return group("credential", "Credentials: how to log in to devices; secrets go in and never come out",
		a.credentialListCommand(), a.credentialAddCommand(), a.credentialSetCommand(complete), a.credentialDevicesCommand(complete),
		a.showCommand(credentialNoun, "Show a credential, without its secrets", (*client).credentialID, complete,
			func() proto.Message { return &vaultv1.Credential{} }),
		a.deleteCommand(credentialNoun, "CREDENTIAL...", "Remove credentials and their secrets for good", (*client).credentialID, complete))
}

func (a *app) credentialListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List credentials by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[vaultv1.Credential](cmd.Context(), c, credentialNoun.path, nil, 0)
			if err != nil {
				return err
			}
			return a.show(cmd, all.raw, credentialTable(all.items))
		}),
	}
}

func credentialTable(all []*vaultv1.Credential) table {
	t := newTable("NAME", "USERNAME", "SECRETS", "ENABLE", "TAGS", "DEVICES", "PRIORITY", "PROBATION", "LAST USED")
	for _, cr := range all {
		t.add(cr.Name, cr.Username, joined(cr.SecretsSet), cr.Enable.String(), joined(cr.Tags), number(int32(len(cr.DeviceIds))),
			number(cr.Priority), yesNo(cr.Probation), when(cr.LastUsedAt))
	}
	return t
}

func (a *app) credentialForm(c *cobra.Command) *form {
	f := newForm(c).
		text("username", "username", "user name on the devices").
		choice("enable", "enable", "how privileged mode is reached", "none", "login_password", "secret").
		list("tag", "tags", "applies to devices with any of these tags").
		refs("device", "device_ids", "applies to these devices, whatever their tags", a.resolve(c, (*client).deviceID)).
		number("priority", "priority", "lower is tried first (default 100)").
		number("logins-per-second", "logins_per_second", "logins a second over all devices (default 5)").
		number("max-in-flight", "max_in_flight", "sessions at once; 0: 4 in probation, 50 after").
		yes("local-fallback", "local_fallback", "tried only when devices that share a central credential fail together")
	a.completeFlag(c, "tag", namesOf[inventoryv1.Tag]("/api/v1/tags"))
	a.completeFlag(c, "device", deviceNames)
	return f
}

// secretFlags are the ways that secrets come in. None of them is an argument: arguments stay in the shell's history and are seen in ps.
type secretFlags struct {
	fields []secretField
	ask    map[string]*bool
	file   map[string]*string
}

type secretField struct{ field, flag, label string }

// credentialSecrets are asked for in this order.
var credentialSecrets = []secretField{
	{"password", "password", "Password"},
	{"passphrase", "passphrase", "Passphrase of the private key"},
	{"enable_secret", "enable-secret", "Enable secret"},
}

// newSecretFlags are those of some fields and of a private key.
func newSecretFlags(c *cobra.Command, of []secretField) secretFlags {
	s := secretFlags{fields: of, ask: map[string]*bool{}, file: map[string]*string{}}
	for _, f := range of {
		s.ask[f.field] = c.Flags().Bool("ask-"+f.flag, false, "ask for the "+f.flag+"; without a terminal it is the next line of standard input")
		s.file[f.field] = c.Flags().String(f.flag+"-file", "", "file with the "+f.flag+" (- is standard input)")
	}
	s.file["private_key"] = c.Flags().String("private-key-file", "", "file with an SSH private key (- is standard input)")
	return s
}

// readSecrets puts the secrets into a request's body. Something new without any is asked for its password.
func (a *app) readSecrets(cmd *cobra.Command, s secretFlags, body fieldMap, isNew bool) error {
	some := false
	for field, path := range s.file {
		if *path == "" {
			continue
		}
		v, err := a.secretFile(cmd, *path)
		if err != nil {
			return err
		}
		if field == "private_key" { // whose format wants its last line ended
			v = secret.NewString(v.Reveal() + "\n")
		}
		body[field], some = v.Reveal(), some || field == "private_key" || field == "password"
	}
	for _, f := range s.fields {
		wanted := *s.ask[f.field] || (f.field == "password" && isNew && !some)
		if !wanted {
			continue
		}
		v, err := a.askNewSecret(cmd, f.label)
		if err != nil {
			return err
		}
		body[f.field] = v.Reveal()
	}
	return nil
}

func (a *app) credentialAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Store a credential",
		Long: "Store a credential. It applies to devices that share a tag with it (--tag) or that it names (--device). Its password is asked for unless a\n" +
			"private key or a password comes from a file.",
		Example: "  netraven credential add lab --username backup --tag default\n  netraven credential add keys --username backup --private-key-file id_ed25519 --tag core",
	}
	f, s := a.credentialForm(c), newSecretFlags(c, credentialSecrets)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		if err := a.readSecrets(cmd, s, body, true); err != nil {
			return err
		}
		body["name"] = args[0]
		return a.created(cmd, c, credentialNoun, body, &vaultv1.Credential{})
	})
	return c
}

func (a *app) credentialSetCommand(complete source) *cobra.Command {
	c := &cobra.Command{
		Use: "set CREDENTIAL", Short: "Change a credential; a changed secret is on probation until a login works", ValidArgsFunction: a.complete(0, complete),
		Example: "  netraven credential set lab --ask-password",
	}
	f, s := a.credentialForm(c).text("name", "name", "new name"), newSecretFlags(c, credentialSecrets)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		if err := a.readSecrets(cmd, s, body, false); err != nil {
			return err
		}
		if len(body) == 0 {
			return usageError(cmd, "nothing to change: give at least one flag")
		}
		return a.updated(cmd, c, credentialNoun, body, args[0], (*client).credentialID, &vaultv1.Credential{})
	})
	return c
}

func (a *app) credentialDevicesCommand(complete source) *cobra.Command {
	return &cobra.Command{
		Use: "devices CREDENTIAL", Short: "List the devices that a credential applies to", ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.credentialID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := list[vaultv1.ListCredentialDevicesResponse_Item](cmd.Context(), c, credentialNoun.of(id, "/devices"), nil, 0)
			if err != nil {
				return err
			}
			t := newTable("DEVICE", "ID")
			for _, d := range all.items {
				t.add(dash(d.DeviceName), d.DeviceId)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}
