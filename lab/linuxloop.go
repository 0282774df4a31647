package lab

import (
	"path"
	"regexp"
	"strings"
)

// linuxLoop is the one shell program a lab host knows beside plain commands: "for f in FILES; do ... cat "$f" ...; done; echo LAST" shows each file that
// exists between a line with its name and an empty line. Backup tools read a host this way because which files there are differs from host to host.
type linuxLoop struct {
	patterns []string
	// heading is what is printed before each file; $f stands for its name.
	heading string
	last    string
}

var linuxLoopForm = regexp.MustCompile(`^sh -c 'for f in ([^;']+);\s*do .*?echo "([^"]*\$f)"; *cat "\$f";.*done; *echo "([^"]*)"'$`)

func parseLinuxLoop(line string) (linuxLoop, bool) {
	m := linuxLoopForm.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return linuxLoop{}, false
	}
	return linuxLoop{patterns: strings.Fields(m[1]), heading: m[2], last: m[3]}, true
}

func (l linuxLoop) run(s *session) uint32 {
	var out strings.Builder
	text := "\r\n" + s.dev.rendered().body
	for _, pattern := range l.patterns {
		for _, name := range linuxFiles(text) {
			if match, err := path.Match(pattern, name); err != nil || !match {
				continue
			}
			_, content, _ := strings.Cut(text, "\r\n"+name+"\r\n")
			if end := strings.Index("\r\n"+content, "\r\n/"); end >= 0 {
				content = content[:end]
			}
			out.WriteString(strings.ReplaceAll(l.heading, "$f", name) + "\r\n" + content + "\r\n")
		}
	}
	s.showConfig(configText{body: out.String() + l.last + "\r\n"})
	return 0
}

// linuxFiles are the names of the files in a host's configuration text.
func linuxFiles(text string) []string {
	var names []string
	for line := range strings.SplitSeq(text, "\r\n") {
		if strings.HasPrefix(line, "/") {
			names = append(names, line)
		}
	}
	return names
}
