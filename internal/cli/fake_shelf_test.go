package cli_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/netraven/netraven/internal/errs"
)

// shelf keeps the messages of one noun.
type shelf struct {
	noun, nameField string

	mu   sync.Mutex
	rows []proto.Message
	// unique is false where two may have one name: devices of different sites.
	unique bool
}

func newShelf(noun, nameField string) *shelf {
	return &shelf{noun: noun, nameField: nameField, unique: noun != "device"}
}

func text(m proto.Message, field string) string {
	return m.ProtoReflect().Get(m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))).String()
}

func setText(m proto.Message, field, v string) {
	m.ProtoReflect().Set(m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field)), protoreflect.ValueOfString(v))
}

func create[M proto.Message](s *shelf, m M) (M, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := text(m, s.nameField)
	for _, other := range s.rows {
		if s.unique && strings.EqualFold(text(other, s.nameField), name) {
			return m, errs.New(codes.AlreadyExists, strings.ToUpper(s.noun)+"_EXISTS", "there is already a %s called %q", s.noun, name).
				Field(s.nameField, "TAKEN", "must be unique ignoring case")
		}
	}
	if text(m, "id") == "" {
		setText(m, "id", uuid.Must(uuid.NewV7()).String())
	}
	s.rows = append(s.rows, m)
	slices.SortStableFunc(s.rows, func(x, y proto.Message) int { return strings.Compare(text(x, s.nameField), text(y, s.nameField)) })
	return m, nil
}

func get[M proto.Message](s *shelf, id string) (M, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.rows {
		if text(m, "id") == id {
			return proto.Clone(m).(M), nil
		}
	}
	var none M
	return none, errs.NotFound(s.noun, id)
}

// pageOf answers a page of what keep keeps; the token is an offset.
func pageOf[M proto.Message](s *shelf, size int32, token string, keep func(M) bool) ([]M, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []M
	for _, m := range s.rows {
		if m := proto.Clone(m).(M); keep == nil || keep(m) {
			all = append(all, m)
		}
	}
	start := 0
	if token != "" {
		var err error
		if start, err = strconv.Atoi(token); err != nil || start > len(all) {
			return nil, "", errs.Invalid("page_token", "PAGE_TOKEN_INVALID", "is no token of this list")
		}
	}
	if size == 0 {
		size = 100
	}
	end := min(start+min(int(size), maxFakePage), len(all))
	next := ""
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[start:end], next, nil
}

// maxFakePage is small, so that lists have several pages.
const maxFakePage = 3

func update[M proto.Message](s *shelf, changed M, mask *fieldmaskpb.FieldMask) (M, error) {
	id := text(changed, "id")
	if _, err := get[M](s, id); err != nil {
		return changed, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.rows, func(m proto.Message) bool { return text(m, "id") == id })
	for _, path := range mask.GetPaths() {
		copyField(s.rows[i].ProtoReflect(), changed.ProtoReflect(), strings.Split(path, "."))
	}
	return proto.Clone(s.rows[i]).(M), nil
}

func copyField(to, from protoreflect.Message, path []string) {
	fd := to.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case len(path) > 1 && fd.Message() != nil && !fd.IsMap():
		copyField(to.Mutable(fd).Message(), from.Get(fd).Message(), path[1:])
	case !from.Has(fd):
		to.Clear(fd)
	default:
		to.Set(fd, from.Get(fd))
	}
}

func remove(s *shelf, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.rows, func(m proto.Message) bool { return text(m, "id") == id })
	if i < 0 {
		return errs.NotFound(s.noun, id)
	}
	s.rows = slices.Delete(s.rows, i, i+1)
	return nil
}
