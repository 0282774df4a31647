package jointoken_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/secret"
)

func TestTokenSurvivesPasting(t *testing.T) {
	want := jointoken.Token{Secret: secret.NewString("s3cr3t"), Pin: strings.Repeat("ab", 32), GatewayID: "g1"}
	text := want.Encode()
	for _, pasted := range []string{text, " " + text + "\r\n", text[:20] + "\n  " + text[20:]} {
		got, err := jointoken.Parse(pasted)
		if err != nil || got != want {
			t.Fatalf("Parse(%q) = %v, %v", pasted, got, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v", want, want, want); strings.Contains(s, "s3cr3t") {
		t.Fatalf("a token shows its secret: %s", s)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(jointoken.Token{Secret: secret.NewString("x"), Pin: strings.Repeat("0", 64)}.Encode())
	f.Add("nrj1.")
	f.Add("nrj1.e30")
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := jointoken.Parse(text)
		if err == nil && (tok.Secret.Empty() || len(tok.Pin) != 64) {
			t.Fatalf("half a token: %+v", tok)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Fatal("the error quotes the token")
		}
	})
}
