package main

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/netraven/netraven/lab"
)

// parseFault reads "none", or words like reset, chunk=7, latency=200ms. It
// goes through the JSON of the control API, so that there is one list of names.
func parseFault(words []string) (lab.Fault, error) {
	var all lab.Fault
	if len(words) == 1 && words[0] == "none" {
		return all, nil
	}
	for _, w := range words {
		name, value, given := strings.Cut(w, "=")
		var v any = true
		if n, err := strconv.ParseInt(value, 10, 64); given && err == nil {
			v = n
		} else if given && value != "true" {
			v = value
		}
		b, err := json.Marshal(map[string]any{name: v})
		if err != nil {
			return all, errFault(w, err)
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&all); err != nil {
			return all, errFault(w, err)
		}
	}
	return all, all.Validate()
}
