package platforms

import (
	_ "embed"
	"fmt"
	"sync"
)

//go:embed general/secrets.yaml
var generalSource []byte

// generalSecrets are the rules that hold for every page, and for text of no known platform.
var generalSecrets = sync.OnceValue(func() []secretRule {
	r := &reader{file: "general/secrets.yaml"}
	root := r.document(generalSource)
	var rules []secretRule
	if root != nil {
		rules = r.mapping(root, "", "secrets").secretRules("secrets")
	}
	if len(r.problems) > 0 {
		panic(fmt.Sprintf("platforms/%v", r.problems[0]))
	}
	return rules
})

// generalMasker serves a nil page.
var generalMasker = sync.OnceValue(func() *masker {
	m, _ := newMasker(generalSecrets())
	return m
})

// generalReject is how Cisco-like command lines refuse, whoever made them.
var generalReject = sync.OnceValue(func() *Pattern {
	p, err := NewPattern(`^% ?(?:Invalid input detected|Unknown command|Bad IP address or host name|Unrecognized command|Incomplete command|Ambiguous command)`)
	if err != nil {
		panic(err)
	}
	return p
})
