package platforms

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// places are lines of our own with one place for a secret, by page. «w» takes one word, «q» anything
// that stands between quotes, «r» words to the end of the line.
var places = map[string][]string{
	"cisco_ios": {
		"enable secret 9 «w»", "enable password «r»", "username a privilege 15 secret 5 «w»", "username b password 7 «w»",
		"username c password 0 «r»", "snmp-server community «w» RO", "snmp-server community «w» view V RW 10",
		"snmp-server host 192.0.2.1 version 2c «w»", "snmp-server host 192.0.2.1 vrf M informs version 2c «w»",
		"tacacs-server key 7 «w»", "tacacs server X\n address ipv4 192.0.2.1\n key «w»", "radius-server host 192.0.2.1 key 7 «w»",
		"crypto isakmp key «w» address 192.0.2.2", "crypto keyring R\n  pre-shared-key address 192.0.2.2 key «w»",
		"interface A\n ip ospf message-digest-key 1 md5 7 «w»", "router bgp 1\n neighbor 192.0.2.3 password 7 «w»",
		"key chain K\n key 1\n  key-string «r»", "line vty 0 4\n password 7 «w»", "ntp authentication-key 1 md5 «w» 7",
		"interface A\n standby 1 authentication md5 key-string «w»", "interface A\n ppp chap password 0 «w»",
		" path ftp://user:«w»@192.0.2.4/x",
	},
	"arista_eos": {
		"username a secret sha512 «w»", "enable password sha512 «w»", "snmp-server community «w» ro",
		"router bgp 1\n   neighbor S password 7 «w»", "tacacs-server key 7 «w»", "radius-server host h vrf M key 7 «w»",
		"ntp authentication-key 1 md5 7 «w»", "   ip ospf message-digest-key 1 md5 7 «w»", "   key 0123ab 7 «w»",
		"snmp-server user u g v3 localized f571 auth sha «w» priv aes «w»",
	},
	"juniper_junos": {
		"system {\n    encrypted-password \"«q»\"; ## SECRET-DATA", "snmp {\n    community «j» {", "set snmp community «j»",
		"            secret \"«q»\"; ## SECRET-DATA", "        authentication-key \"«q»\";", "set x pre-shared-key ascii-text \"«q»\"",
		"    \"ftp://u:«q»@192.0.2.1/\" password \"«q»\"; ## SECRET-DATA",
	},
	"mikrotik_routeros": {
		"/ppp secret\nadd name=x password=\"«q»\" service=l2tp", "/radius\nadd secret=«j» service=login",
		"/snmp community\nset [ find default=yes ] addresses=::/0 name=«j»", "/interface wireguard\nadd private-key=\"«q»\" name=wg",
		"/interface wifi security\nadd passphrase=«j»", "/ip ipsec identity\nadd peer=p secret=\"«q»\"",
	},
	"linux": {
		"    wpa-psk «r»", "password=\"«q»\"", "url = https://u:«w»@h/", "-----BEGIN PRIVATE KEY-----\n«b»\n-----END PRIVATE KEY-----",
		" neighbor 192.0.2.1 password «w»",
	},
}

var (
	place = regexp.MustCompile(`«(.)»`)
	forms = map[string]*rapid.Generator[string]{
		"w": rapid.StringMatching(`[A-Za-z0-9!$%&()*+./:<=?^_|~#-]{1,12}[A-Za-z0-9!]{6,12}`),
		"j": rapid.StringMatching(`[A-Za-z0-9!$%&*+./:=?^_-]{1,12}[A-Za-z0-9]{6,12}`),
		"q": rapid.StringMatching(`[A-Za-z0-9!$%&() *+,./:;<=>?^_|~-]{1,20}[A-Za-z0-9]{6,12}`),
		"r": rapid.StringMatching(`[A-Za-z0-9!]{3,8} [A-Za-z0-9!$%]{6,9}( [a-z]{3,5})?`),
		"b": rapid.StringMatching(`([A-Za-z0-9+/]{64}\n){0,4}[A-Za-z0-9+/]{20,63}=`),
	}
)

func TestPlantedSecretsNeverSurvive(t *testing.T) {
	for name, lines := range places {
		page, _ := Builtin().Lookup(name)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var secrets []string
				var text strings.Builder
				for range rapid.IntRange(1, 6).Draw(t, "lines") {
					line := rapid.SampledFrom(lines).Draw(t, "line")
					text.WriteString(place.ReplaceAllStringFunc(line, func(form string) string {
						s := forms[place.FindStringSubmatch(form)[1]].Draw(t, "secret")
						secrets = append(secrets, strings.Split(s, "\n")...)
						return s
					}))
					text.WriteString(rapid.SampledFrom([]string{"\n", "\r\n", "\n!\n", "\n# nothing\n"}).Draw(t, "between"))
				}
				in := []byte(text.String())
				out := page.Mask(in, testTag)
				for _, s := range secrets {
					require.NotContains(t, string(out), s, "in:\n%s", in)
				}
				require.Equal(t, string(out), string(page.Mask(out, testTag)))
			})
		})
	}
}

// The filter may let too much through, but where a rule matches it must say so.
func TestFilterMissesNothing(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range Builtin().List() {
		page, _ := Builtin().Lookup(e.Name)
		for i, r := range page.secrets.rules {
			if seen[r.match.String()] {
				continue // a general rule, met on another page
			}
			seen[r.match.String()] = true
			text := regexp.MustCompile(`\\b|\^|\$(?:$|\|| |\))`).ReplaceAllString(r.match.String(), "")
			if _, err := regexp.Compile(text); err != nil {
				continue
			}
			gen := rapid.StringMatching(text)
			t.Run(fmt.Sprintf("%s/%d", e.Name, i), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					line := []byte(rapid.SampledFrom([]string{"", " ", "  "}).Draw(t, "lead") + strings.ReplaceAll(gen.Draw(t, "line"), "\n", ""))
					// The long s and the Kelvin sign fold to ASCII; the filter leaves them out on purpose.
					if !r.match.Match(line) || bytes.ContainsAny(line, "\u017f\u212a") {
						return
					}
					hit := page.secrets.filter.line(line)
					require.True(t, hit.has(i), "%q\n%q", r.match, line)
					// Looking only where a match can be finds the same as looking everywhere.
					line = append([]byte(rapid.SampledFrom([]string{"", "x", "key secret ", "-password \t 7"}).Draw(t, "before")), line...)
					want := r.match.any.FindAllSubmatchIndex(line, maxPerLine)
					var got [][]int
					if from := r.start(appendLower(nil, line)); from >= 0 {
						got = r.find(line, from)
					}
					require.Equal(t, want, got, "%q\n%q", r.match, line)
				})
			})
		}
	}
}

func TestLiterals(t *testing.T) {
	for expr, want := range map[string][]string{
		`^enable (?:password|secret) (\S+)`: {"enable password ", "enable secret "},
		`(?i)PassWord`:                      {"password"},
		`\d+`:                               nil,
		`a|b\d`:                             {"a", "b"},
		`a|\d`:                              nil,
		`x*y+z`:                             {"y"},
		`(?:abc)?de`:                        {"abcde", "de"},
		`[ab]c`:                             {"ac", "bc"},
		`^\s*key`:                           {"key"},
		`(?i)é`:                             nil,
		`É`:                                 {"É"},
		`-[0-3]-X`:                          {"-0-x", "-1-x", "-2-x", "-3-x"},
	} {
		var got []string
		if all := needs(expr); len(all) > 0 {
			got = all[0].set
		}
		require.ElementsMatch(t, want, got, expr)
	}
}

func TestFilterFindsEveryLiteral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc ]{1,4}`)
		words := rapid.SliceOfN(word, 1, 12).Draw(t, "words")
		sets := make([][]string, len(words))
		for i, w := range words {
			sets[i] = []string{w}
		}
		text := []byte(rapid.StringMatching(`[abcABC x]{0,20}`).Draw(t, "text"))
		anywhere, beginning := &filter{columns: 1, anywhere: true}, &filter{columns: 1}
		anywhere.build(sets)
		for i, w := range words {
			sets[i] = []string{"\n" + w}
		}
		beginning.build(sets)
		hit, head, low := anywhere.line(text), beginning.line(text), bytes.ToLower(text)
		for i, w := range words {
			require.Equal(t, bytes.Contains(low, []byte(w)), hit.has(i), "%q in %q", w, text)
			require.Equal(t, bytes.HasPrefix(low, []byte(w)), head.has(i), "%q at the beginning of %q", w, text)
		}
	})
}

// A finder names the lines that the filter has something for, wherever windows begin and end, and no others.
func TestAFinderFindsTheLinesOfItsFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exprs := rapid.SliceOfN(rapid.SampledFrom([]string{"^key (.+)", "secret", "^ +pass", "a[bc]d", "%x", "^x$", "$1", "(?i)Word"}), 1, 5).Draw(t, "rules")
		f := newFilter(exprs)
		line := rapid.SampledFrom([]string{"", "key 1", " pass", "the secret", "abd", "acd %x", "x", "xx", "WORD", "nothing", "key", "sec", "ret", "\r", strings.Repeat("long ", 9000), strings.Repeat("b", windowSize+1) + "secret"})
		lines := rapid.SliceOfN(line, 0, 40).Draw(t, "lines")
		text := []byte(strings.Join(lines, rapid.SampledFrom([]string{"\n", "\r\n", "\n\n"}).Draw(t, "end")))
		want, got := []int{}, []int{}
		for at := 0; at < len(text); {
			end, next := lineEnd(text, at)
			if hit := f.line(text[at:end]); !hit.empty() {
				want = append(want, at)
			}
			at = next
		}
		d := f.finder(text)
		for at := 0; at < len(text); {
			if at = d.next(at); at < len(text) {
				got = append(got, at)
				_, at = lineEnd(text, at)
			}
		}
		require.Equal(t, want, got, "%q", exprs)
	})
}

// A match that begins long before the word that tells of it, once found by chance.
func TestAMatchMayBeginLongBeforeItsWord(t *testing.T) {
	page, ok := Builtin().Lookup("nokia_srlinux")
	require.True(t, ok)
	for _, line := range []string{"\t-----secret-key \"\"", " a-b-c-secret-key \"x\"", " " + strings.Repeat("w", 300) + "secret-key x"} {
		for _, r := range page.secrets.rules {
			var got [][]int
			if from := r.start(appendLower(nil, []byte(line))); from >= 0 {
				got = r.find([]byte(line), from)
			}
			require.Equal(t, r.match.any.FindAllSubmatchIndex([]byte(line), maxPerLine), got, "%q\n%q", r.match, line)
		}
	}
}
