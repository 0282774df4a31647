package grpcx

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

// checkText refuses a person's request that holds a NUL character in any text: PostgreSQL stores none, so every service would fail at it in a place of its
// own, and as if it were the service's fault. What services tell each other is theirs to check.
func checkText(p authn.Principal, fullMethod string, req any) error {
	m, ok := req.(proto.Message)
	if p.UserID == "" || !ok {
		return nil
	}
	field := nulIn(m.ProtoReflect())
	if field == "" {
		return nil
	}
	if body := bodyOf(fullMethod); body != "*" { // REST clients send the resource bare
		field = strings.TrimPrefix(field, body+".")
	}
	return errs.Invalid(field, "NOT_TEXT", "must not hold a NUL character")
}

// nulIn names the first field with a NUL character in it, as JSON clients see it ("tags[1]"), or "".
func nulIn(m protoreflect.Message) (field string) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(fd.Name())
		switch {
		case fd.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				if field = nulInValue(fd.MapValue(), v, name); field == "" && strings.ContainsRune(k.String(), 0) {
					field = name
				}
				return field == ""
			})
		case fd.IsList():
			for i := range v.List().Len() {
				if field = nulInValue(fd, v.List().Get(i), fmt.Sprintf("%s[%d]", name, i)); field != "" {
					break
				}
			}
		default:
			field = nulInValue(fd, v, name)
		}
		return field == ""
	})
	return field
}

func nulInValue(fd protoreflect.FieldDescriptor, v protoreflect.Value, name string) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if strings.ContainsRune(v.String(), 0) {
			return name
		}
	case protoreflect.MessageKind:
		if inner := nulIn(v.Message()); inner != "" {
			return name + "." + inner
		}
	}
	return ""
}

// bodyOf is the field that an RPC's HTTP body becomes ("*": the whole request).
func bodyOf(fullMethod string) string {
	d := methodOf(fullMethod)
	if d == nil {
		return ""
	}
	return proto.GetExtension(d.Options(), annotations.E_Http).(*annotations.HttpRule).GetBody()
}
