package cli

import (
	"context"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

// refreshAhead is how long before its end an access token is replaced, so that it does not end on the way.
const refreshAhead = 15 * time.Second

// session is who the user is to one server: a token that was given, or the stored ones.
type session struct {
	client *client
	given  string
	file   tokensFile
	now    func() time.Time
}

func newSession(c *client, given string) (*session, error) {
	s := &session{client: c, given: given, now: time.Now}
	if given != "" {
		return s, nil
	}
	var err error
	s.file, err = tokensFileOf(c.base)
	return s, err
}

// access answers the token to send, refreshed if it is about to end. Nobody signed in is the empty token: the server then says what is missing.
func (s *session) access(ctx context.Context) (string, error) {
	if s.given != "" {
		return s.given, nil
	}
	t, err := s.file.load()
	if err != nil {
		return "", err
	}
	if t.RefreshToken != "" && s.now().Add(refreshAhead).After(t.ExpiresAt) {
		return s.renew(ctx, t.AccessToken)
	}
	return t.AccessToken, nil
}

// renew answers a newer token than used, or none when there is nothing to refresh with. Refreshing rotates the refresh token, so only one process
// does it at a time, and one that waited takes what the other got.
func (s *session) renew(ctx context.Context, used string) (string, error) {
	if s.given != "" {
		return "", nil
	}
	if t, err := s.file.load(); err != nil || t.RefreshToken == "" {
		return "", err
	}
	unlock, err := s.file.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	t, err := s.file.load() // again: another process may have been faster
	if err != nil || t.RefreshToken == "" {
		return "", err
	}
	if t.AccessToken != used {
		return t.AccessToken, nil
	}
	pair := &authv1.TokenPair{}
	err = s.exchange(ctx, "/api/v1/auth/refresh", &authv1.RefreshRequest{RefreshToken: t.RefreshToken}, pair)
	if hasReason(err, "REFRESH_TOKEN_INVALID") {
		// What is stored is of no more use; the next command then says that nobody is signed in.
		_ = s.file.remove()
	}
	if err != nil {
		return "", err
	}
	return pair.AccessToken, s.store(t.Username, pair)
}

// exchange is a call that needs no token because its body is the proof.
func (s *session) exchange(ctx context.Context, path string, proof proto.Message, pair *authv1.TokenPair) error {
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(proof)
	if err != nil {
		return err
	}
	_, err = s.client.object(ctx, request{method: http.MethodPost, path: path, body: body, contentType: "application/json", anonymous: true}, pair)
	return err
}

func (s *session) store(username string, pair *authv1.TokenPair) error {
	return s.file.save(tokens{
		Server: s.client.base.String(), Username: username, AccessToken: pair.AccessToken, RefreshToken: pair.RefreshToken,
		ExpiresAt: s.now().Add(time.Duration(pair.ExpiresIn) * time.Second).UTC().Truncate(time.Second),
	})
}
