package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
)

// Argon2id with 19 MiB and two passes is the first choice of OWASP's password storage cheat sheet; about 45 ms on our slowest machines.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024 // KiB
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32

	minPassword = 12   // characters
	maxPassword = 1024 // bytes
)

var phc = base64.RawStdEncoding

// hasher hashes passwords, a bounded number at once, because each takes 19 MiB. Safe for concurrent use.
type hasher struct {
	slots *semaphore.Weighted
	// nobody is the hash of a password that does not exist, so that an unknown user costs as much as a known one.
	nobody string
}

func newHasher(parallel int) *hasher {
	if parallel == 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	key, salt := make([]byte, argonKey), make([]byte, argonSalt)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	_, _ = rand.Read(salt)
	return &hasher{slots: semaphore.NewWeighted(int64(parallel)), nobody: encodeHash(argonTime, argonMemory, argonThreads, salt, key)}
}

// hash answers a PHC string, which carries its parameters. It blocks until a slot is free or ctx ends.
func (h *hasher) hash(ctx context.Context, password secret.String) (string, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer h.slots.Release(1)
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemory, argonThreads, argonKey)
	return encodeHash(argonTime, argonMemory, argonThreads, salt, key), nil
}

// verify tells whether password is the one of a PHC string. The empty string is nobody's: it costs the same and is never right. It blocks
// until a slot is free or ctx ends.
func (h *hasher) verify(ctx context.Context, encoded string, password secret.String) (bool, error) {
	known := encoded != ""
	if !known {
		encoded = h.nobody
	}
	time, memory, threads, salt, want, err := decodeHash(encoded)
	if err != nil {
		return false, err
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return false, err
	}
	defer h.slots.Release(1)
	text := password.Reveal()
	if len(text) > maxPassword { // no such password can exist; do not hash megabytes to say so
		text, known = "", false
	}
	got := argon2.IDKey([]byte(text), salt, time, memory, threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func encodeHash(time, memory uint32, threads uint8, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, time, threads, phc.EncodeToString(salt), phc.EncodeToString(key))
}

func decodeHash(encoded string) (time, memory uint32, threads uint8, salt, key []byte, err error) {
	part := strings.Split(encoded, "$")
	bad := errors.New("a stored password hash is damaged")
	if len(part) != 6 || part[1] != "argon2id" || part[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, bad
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil || time == 0 || threads == 0 {
		return 0, 0, 0, nil, nil, bad
	}
	salt, err1 := phc.DecodeString(part[4])
	key, err2 := phc.DecodeString(part[5])
	if err1 != nil || err2 != nil || len(key) == 0 {
		return 0, 0, 0, nil, nil, bad
	}
	return time, memory, threads, salt, key, nil
}

// checkPassword says what is wrong with a new password. field is the request's field.
func checkPassword(field, username string, password secret.String) error {
	text := password.Reveal()
	var message string
	switch {
	case utf8.RuneCountInString(text) < minPassword:
		message = fmt.Sprintf("a password has at least %d characters", minPassword)
	case len(text) > maxPassword:
		message = fmt.Sprintf("a password has at most %d bytes", maxPassword)
	case strings.EqualFold(text, username):
		message = "the password must not be the user name"
	case strings.Count(text, text[:1]) == len(text):
		message = "the password is one character repeated"
	default:
		return nil
	}
	return errs.New(codes.InvalidArgument, "PASSWORD_TOO_WEAK", "%s", message).Field(field, "PASSWORD_TOO_WEAK", message)
}

// randomText is 32 random bytes for a token, or a password that nobody has to remember.
func randomText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}
