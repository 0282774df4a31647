// Package jointoken has the one line of text that lets an agent into a gateway: the hub prints it, a person pastes it, the agent reads it.
package jointoken

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	"github.com/netraven/netraven/internal/secret"
)

// prefix names the format, so that a later one can be told apart and a secret scanner can find a leaked token.
const prefix = "nrj1."

const maxText = 4 << 10

// Token is what the text holds.
type Token struct {
	// Secret is what auth made; it is spent once.
	Secret secret.String
	// Pin is SHA-256 of the root's subject public key info, lower-case hex: what makes the first connection safe.
	Pin string
	// GatewayID is where the agent will belong; for people and logs, auth knows it from Secret.
	GatewayID string
}

type payload struct {
	Secret    string `json:"t"`
	Pin       string `json:"p"`
	GatewayID string `json:"g"`
}

// Encode returns the text. It is a secret.
func (t Token) Encode() string {
	b, _ := json.Marshal(payload{Secret: t.Secret.Reveal(), Pin: t.Pin, GatewayID: t.GatewayID}) // strings always marshal
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// Parse reads the text as a person pasted it: space around it and line breaks in it do no harm. Errors never quote it.
func Parse(text string) (Token, error) {
	text = strings.Join(strings.Fields(text), "")
	body, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) > maxText {
		return Token{}, errors.New("this is not a join token; a join token begins with " + prefix)
	}
	b, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Token{}, errors.New("the join token is damaged; copy all of it")
	}
	var p payload
	if json.Unmarshal(b, &p) != nil || p.Secret == "" || len(p.Pin) != 64 {
		return Token{}, errors.New("the join token is damaged; copy all of it")
	}
	return Token{Secret: secret.NewString(p.Secret), Pin: p.Pin, GatewayID: p.GatewayID}, nil
}
