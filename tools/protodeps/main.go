// Protodeps writes the third-party .proto files that ours import into .protodeps/, from the descriptors that are compiled into
// Go modules of go.mod: no schema registry, no committed copies.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	"github.com/jhump/protoreflect/v2/protoprint"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

var wanted = []string{
	"google/api/annotations.proto",
	"google/api/field_behavior.proto",
	"google/api/httpbody.proto",
	"protoc-gen-openapiv2/options/annotations.proto",
}

func main() {
	done := map[string]bool{}
	for _, name := range wanted {
		if err := write(name, done); err != nil {
			fmt.Fprintf(os.Stderr, "protodeps: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func write(name string, done map[string]bool) error {
	if done[name] || strings.HasPrefix(name, "google/protobuf/") { // buf brings the well-known types itself
		return nil
	}
	done[name] = true
	file, err := protoregistry.GlobalFiles.FindFileByPath(name)
	if err != nil {
		return err
	}
	if err := writeImports(file.Imports(), done); err != nil {
		return err
	}
	text, err := (&protoprint.Printer{}).PrintProtoToString(file)
	if err != nil {
		return err
	}
	path := filepath.Join(".protodeps", filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

func writeImports(imports protoreflect.FileImports, done map[string]bool) error {
	for i := range imports.Len() {
		if err := write(imports.Get(i).Path(), done); err != nil {
			return err
		}
	}
	return nil
}
