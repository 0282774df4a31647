package inventory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

var (
	csvColumns = []string{"name", "address", "platform", "port", "site", "gateway", "tags", "description", "notes", "enabled",
		"ssh.legacy", "ssh.host_key_policy", "ssh.newline", "ssh.terminal_columns", "ssh.terminal_rows", "ssh.keepalive_seconds"}
	csvRequired = []string{"name", "address", "platform"}
)

// csvLine is one record with the names of its columns.
type csvLine struct {
	number  int32
	columns []string
	fields  []string
	err     string
}

func (l csvLine) value(column string) string {
	if i := slices.Index(l.columns, column); i >= 0 && i < len(l.fields) {
		return strings.TrimSpace(l.fields[i])
	}
	return ""
}

// given are the columns that say something about every device of the file.
func (l csvLine) given() map[string]bool {
	g := map[string]bool{}
	for _, c := range l.columns {
		g[c] = true
	}
	return g
}

func (l csvLine) number32(column string) (int32, error) {
	text := l.value(column)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s: %s is not a number", column, quote(text))
	}
	return int32(n), nil
}

func (l csvLine) boolean(column string, byDefault bool) (bool, error) {
	text := strings.ToLower(l.value(column))
	switch text {
	case "":
		return byDefault, nil
	case "true", "yes", "1":
		return true, nil
	case "false", "no", "0":
		return false, nil
	}
	return false, fmt.Errorf("%s: %s must be true or false", column, quote(text))
}

// readCSV reads a file with a header. A record that cannot be read becomes a line with an error; a header that cannot is an error of the whole.
func readCSV(data []byte) ([]csvLine, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // spreadsheets write a byte order mark
	if !utf8.Valid(data) {
		return nil, errs.New(codes.InvalidArgument, "HEADER_INVALID", "the file is not UTF-8 text; save it as UTF-8")
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, headerInvalid("the file has no header line; it begins with: " + strings.Join(csvColumns, ",")).Wrap(err)
	}
	columns, err := readHeader(header)
	if err != nil {
		return nil, err
	}
	var lines []csvLine
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		l := csvLine{columns: columns, fields: fields}
		var bad *csv.ParseError
		switch {
		case errors.As(err, &bad):
			l.number, l.err = int32(min(bad.StartLine, 1<<30)), "the line cannot be read: "+bad.Err.Error()
		case err != nil:
			return nil, err
		default:
			line, _ := r.FieldPos(0)
			l.number = int32(min(line, 1<<30))
			if len(fields) > len(columns) {
				l.err = fmt.Sprintf("the line has %d fields and the header %d", len(fields), len(columns))
			}
		}
		lines = append(lines, l)
	}
}

func readHeader(header []string) ([]string, error) {
	columns := make([]string, 0, len(header))
	for _, h := range header {
		c := strings.ToLower(strings.TrimSpace(h))
		if !slices.Contains(csvColumns, c) {
			return nil, headerInvalid("there is no column " + quote(c) + "; columns are " + strings.Join(csvColumns, ", "))
		}
		if slices.Contains(columns, c) {
			return nil, headerInvalid("the column " + c + " is there twice")
		}
		columns = append(columns, c)
	}
	for _, c := range csvRequired {
		if !slices.Contains(columns, c) {
			return nil, headerInvalid("the column " + c + " is missing")
		}
	}
	return columns, nil
}

func headerInvalid(what string) *errs.Error {
	return errs.New(codes.InvalidArgument, "HEADER_INVALID", "line 1: %s", what).Field("header", "HEADER_INVALID", what)
}

func quote(s string) string { return strconv.Quote(s) }

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// sshColumns are the options of `ssh` that a file may have, in the order of csvColumns.
var sshColumns = []string{"legacy", "host_key_policy", "newline", "terminal_columns", "terminal_rows", "keepalive_seconds"}

// ssh reads the columns of SSH options.
func (l csvLine) ssh() (*inventoryv1.Device_Ssh, error) {
	out := &inventoryv1.Device_Ssh{}
	var err error
	if out.Legacy, err = l.boolean("ssh.legacy", false); err != nil {
		return nil, err
	}
	policy, err := l.enum("ssh.host_key_policy", inventoryv1.Device_Ssh_HostKeyPolicy_value, inventoryv1.Device_Ssh_HostKeyPolicy_name)
	if err != nil {
		return nil, err
	}
	newline, err := l.enum("ssh.newline", inventoryv1.Device_Ssh_Newline_value, inventoryv1.Device_Ssh_Newline_name)
	if err != nil {
		return nil, err
	}
	out.HostKeyPolicy, out.Newline = inventoryv1.Device_Ssh_HostKeyPolicy(policy), inventoryv1.Device_Ssh_Newline(newline)
	if out.TerminalColumns, err = l.number32("ssh.terminal_columns"); err != nil {
		return nil, err
	}
	if out.TerminalRows, err = l.number32("ssh.terminal_rows"); err != nil {
		return nil, err
	}
	if l.value("ssh.keepalive_seconds") == "" {
		return out, nil
	}
	seconds, err := l.number32("ssh.keepalive_seconds")
	out.KeepaliveSeconds = &seconds
	return out, err
}

// enum reads one of the contract's names, in any case; empty: not said.
func (l csvLine) enum(column string, values map[string]int32, names map[int32]string) (int32, error) {
	text := strings.ToUpper(l.value(column))
	n, ok := values[text]
	if text != "" && (!ok || n == 0) {
		return 0, fmt.Errorf("%s: %s must be one of %s", column, quote(l.value(column)), enumNames(names))
	}
	return n, nil
}
