package cli

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// fields is how one object looks to people: a row for each of its fields, in the contract's order, under the names that the API and --output json
// use. Fields that are empty are left out.
func fields(m proto.Message) table {
	t := table{}
	addFields(&t, "", m.ProtoReflect())
	return t
}

func addFields(t *table, prefix string, m protoreflect.Message) {
	list := m.Descriptor().Fields()
	for i := range list.Len() {
		fd := list.Get(i)
		name := prefix + string(fd.Name())
		// false and 0 are values; empty text, lists and messages are the absence of one.
		plain := fd.Kind() != protoreflect.StringKind && fd.Message() == nil && !fd.IsList()
		if !m.Has(fd) && !plain {
			continue
		}
		v := m.Get(fd)
		if fd.Message() != nil && !fd.IsList() && !fd.IsMap() {
			if text, ok := leaf(v.Message().Interface()); ok {
				t.add(name, text)
				continue
			}
			addFields(t, name+".", v.Message())
			continue
		}
		t.add(name, fieldText(fd, v))
	}
}

// leaf is the text of messages that are one value.
func leaf(m proto.Message) (string, bool) {
	switch m := m.(type) {
	case *timestamppb.Timestamp:
		return when(m), true
	case *structpb.Struct:
		b, _ := m.MarshalJSON()
		return string(b), true
	}
	return "", false
}

func fieldText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if !fd.IsList() {
		return scalarText(fd, v)
	}
	var all []string
	for i := range v.List().Len() {
		all = append(all, scalarText(fd, v.List().Get(i)))
	}
	return strings.Join(all, ", ")
}

func scalarText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return yesNo(v.Bool())
	case protoreflect.EnumKind:
		if value := fd.Enum().Values().ByNumber(v.Enum()); value != nil {
			return string(value.Name())
		}
	}
	return fmt.Sprint(v.Interface())
}
