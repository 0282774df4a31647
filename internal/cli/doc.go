// Package cli is the command line's client side: cobra commands that talk REST to a NetRaven server's HTTP address. It knows the public contract
// (the generated messages and the paths in their annotations) and nothing of any service.
//
// Where things are:
//
//	command.go   the list of commands, their shared flags, the way out (errors, exit codes)
//	client.go    requests and answers; page.go merges pages; stream.go and follow.go watch a run
//	session.go   who we are: --token, or the tokens file, refreshed when it must be
//	form.go      flags -> the body of a POST or PATCH; resolve.go names -> ids
//	table.go, safe.go, fields.go, failure.go, progress.go   what people see
//	<noun>.go    the commands of one noun
//
// Invariants:
//   - A secret never comes from an argument: it is typed without echo, read from standard input or from a file.
//   - The tokens file is 0600 and is replaced whole; a refresh, which rotates the refresh token, happens under a lock between processes, so that two
//     commands at once never use one refresh token twice.
//   - PATCH carries exactly the fields whose flags were given.
//   - With --output json, standard output holds the API's JSON and nothing else; everything said to people goes to standard error.
//   - Text that came from a device or from another user reaches a terminal without escape sequences and control characters.
//   - Without a terminal there is no colour, no progress bar and no question.
//
// Watching a run:
//
//	STREAM -(ended)-> DONE
//	STREAM -(cut)-> wait, read the tasks, STREAM     (at most four cuts in a row without an event between)
//	STREAM -(cut too often, or no stream here)-> POLL -(ended)-> DONE
//	POLL -(30 failures in a row)-> error; the run itself goes on
package cli
