// Package auth knows who people and agents are: users and roles, sign-in sessions, the keys that sign access tokens, the agents'
// certificate authority with its join tokens, and the audit trail. It calls no other service.
//
// Tables: role, account, account_role, session, refresh_token, login_bucket, signing_key, authority, agent, join_token, audit_line.
//
// Invariants:
//   - No secret is stored in the clear. Passwords are Argon2id; refresh and join tokens are SHA-256 of 32 random bytes; private keys
//     are sealed under the key-encryption key, which is not in the database.
//   - There is always a user with the role admin.
//   - A person is never told whether a user name exists: an unknown name costs the same hash and gets the same answer.
//   - An audit line is never changed or removed (a trigger refuses); what a person types as a user name is not written to it unless it
//     is one.
//   - A join token belongs to the keys it was first used with.
//   - There is one authority, and a signing key is published a whole period before it signs.
//
// A session is a family of refresh tokens, each of a generation:
//
//	login -> generation 1
//	token of the present generation              -> next generation, new token
//	token of the generation before, within 60 s  -> another token of the present generation (two tabs, a lost answer)
//	anything older                               -> the session ends: one of two holders is a thief
//
// A signing key:
//
//	published (signs_from in the future) -> signs (latest past signs_from) -> retired (published for two hours more) -> deleted
//
// An agent:
//
//	join token -(first keys)-> enrolled -(renew at half-life)-> enrolled
//	                               \-> revoked (for good; its certificates end within seven days)
package auth
