package auth

import (
	"context"
	"crypto/sha256"
	"net"
	"net/netip"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
)

// limit is a token bucket of failed logins.
type limit struct {
	burst, perSecond float64
}

// Ten wrong passwords for one name from one place, then one in six seconds; fifty from one place, then one a second; a hundred for one name
// from everywhere, then one a second. Only failures count, so a person or a script that knows the password is never slowed down by itself, and
// a stranger who guesses at a name shuts out himself, not its owner.
var (
	userLimit   = limit{burst: 10, perSecond: 1.0 / 6}
	sourceLimit = limit{burst: 50, perSecond: 1}
	nameLimit   = limit{burst: 100, perSecond: 1}
)

// throttle takes one attempt from the buckets of the source, of the user name there and of the user name everywhere, and answers the keys to give it back to when the password
// proves right. Errors: RESOURCE_EXHAUSTED/LOGIN_RATE_LIMITED.
func (s *Service) throttle(ctx context.Context, username string) ([][]byte, error) {
	var keys [][]byte
	take := func(kind, name string, l limit) error {
		sum := sha256.Sum256([]byte(kind + "\x00" + name))
		ok, err := s.store.takeLoginToken(ctx, sum[:], l, s.now())
		if err != nil {
			return err
		}
		if !ok {
			s.audit(ctx, s.line(ctx, "auth.login", "", "", "LOGIN_RATE_LIMITED"))
			return errs.New(codes.ResourceExhausted, "LOGIN_RATE_LIMITED", "too many failed logins; wait a minute and try again")
		}
		keys = append(keys, sum[:])
		return nil
	}
	from, name := network(source(ctx)), strings.ToLower(username)
	if from != "" {
		if err := take("source", from, sourceLimit); err != nil {
			return nil, err
		}
	}
	if err := take("user", from+"\x00"+name, userLimit); err != nil {
		return nil, err
	}
	err := take("name", name, nameLimit) // it adds to keys
	return keys, err
}

// source is the network address a call came from. What a relay of our own says is believed; what a stranger says of himself is not.
func source(ctx context.Context) string {
	if grpcx.PeerService(ctx) != "" {
		md, _ := metadata.FromIncomingContext(ctx)
		if v := md.Get("x-forwarded-for"); len(v) > 0 {
			hops := strings.Split(v[len(v)-1], ",")
			return clip(strings.TrimSpace(hops[len(hops)-1]), 64)
		}
		return ""
	}
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return ""
	}
	return host
}

// network is what one customer usually holds: an IPv4 address or an IPv6 /64.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return prefix.String()
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
