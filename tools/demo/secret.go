package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
)

// shapes are what the lab's made-up secrets look like. They come from the lab, not from the product's own rules, which are what is on trial.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:amber|copper|granite|harbour|juniper|kestrel|lantern|meadow)-(?:r[ow]-)?[a-z2-9]{6}\b`),
	regexp.MustCompile(`\$[0-9]\$[./0-9A-Za-z]{6,}\$[./0-9A-Za-z]{16,}`),
	regexp.MustCompile(`\b7 ([0-9A-F]{16,})\b`),
	regexp.MustCompile(`[./0-9A-Za-z]{22,}\$[./0-9A-Za-z]{1,2}=`),
}

// planted are the secrets in the devices' configurations, with the name of a device that holds each. Every device holds some.
func (d *demo) planted(ctx context.Context) (map[string]string, error) {
	secrets := map[string]string{}
	for _, dev := range d.devices {
		text, err := d.lab.Config(ctx, dev.GetName())
		if err != nil {
			return nil, err
		}
		found := 0
		for _, shape := range shapes {
			for _, m := range shape.FindAllStringSubmatch(text, -1) {
				secrets[m[len(m)-1]] = dev.GetName()
				found++
			}
		}
		if found == 0 {
			return nil, fmt.Errorf("the lab's %s holds no secret, so looking for it proves nothing", dev.GetName())
		}
	}
	return secrets, nil
}

// leaks is an error, without the secret itself, if one of the secrets is in text.
func leaks(text []byte, where string, secrets map[string]string) error {
	for secret, device := range secrets {
		if at := bytes.Index(text, []byte(secret)); at >= 0 {
			return fmt.Errorf("%s holds a secret of %s: %s", where, device, around(text, at, len(secret)))
		}
	}
	return nil
}

// around is the line of a secret, the secret left out.
func around(text []byte, at, length int) string {
	begin := bytes.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if i := bytes.IndexByte(text[at+length:], '\n'); i >= 0 {
		end = at + length + i
	}
	return fmt.Sprintf("%q", string(text[begin:at])+"(secret)"+string(text[at+length:end]))
}

func leaksInFile(path string, secrets map[string]string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return leaks(b, path, secrets)
}
