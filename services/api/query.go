package api

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// strictQuery refuses query parameters that the request does not have, as strictJSON does with fields: a filter with a typing error would answer everything.
type strictQuery struct{ runtime.DefaultQueryParser }

// Parse fills a request from the query. filter are the fields that the path or the body sets.
func (q *strictQuery) Parse(msg proto.Message, values url.Values, filter *utilities.DoubleArray) error {
	for key := range values {
		name, _, _ := strings.Cut(key, "[") // of a map's entry
		if !hasField(msg.ProtoReflect().Descriptor(), strings.Split(name, ".")) {
			return fmt.Errorf("there is no parameter %q here", key)
		}
	}
	return q.DefaultQueryParser.Parse(msg, values, filter)
}

// hasField tells whether a path of names, as in proto or in JSON, leads to a field.
func hasField(in protoreflect.MessageDescriptor, path []string) bool {
	for i, name := range path {
		if in == nil {
			return false
		}
		field := in.Fields().ByTextName(name)
		if field == nil {
			field = in.Fields().ByJSONName(name)
		}
		if field == nil {
			return false
		}
		if i < len(path)-1 {
			in = field.Message()
		}
	}
	return true
}
