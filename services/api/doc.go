// Package api is the REST front: grpc-gateway over connections to the services, the OpenAPI document, and the few shapes that JSON transcoding
// cannot make (raw import bodies, server-sent events, diffs as text, git's own protocol for clones). It owns nothing and decides nothing: every request goes to a service with the
// caller's own token, and the service's interceptor decides.
//
// Invariants:
//   - Every answer that is not a success has the one error shape {code, reason, message, details, trace_id}; trace_id is also the header X-Trace-Id.
//     Under /git/ it is the message as plain text, which git shows to its user.
//   - Unknown fields in a request body are an error; every field of an answer is present.
//   - Nothing of a backend's address, SQL or stack reaches an answer.
package api
