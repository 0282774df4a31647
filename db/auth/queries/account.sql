-- name: UpsertRole :exec
INSERT INTO role (name, description, permissions) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET description = EXCLUDED.description, permissions = EXCLUDED.permissions;

-- name: ListRoles :many
SELECT name, description, permissions FROM role ORDER BY name;

-- name: CountAccounts :one
SELECT count(*) FROM account;

-- name: InsertAccount :exec
INSERT INTO account (id, username, password_hash, must_change_password, from_first_start, created_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: InsertAccountRoles :exec
INSERT INTO account_role (account_id, role) SELECT sqlc.arg(account_id)::uuid, unnest(sqlc.arg(roles)::text[]) ON CONFLICT DO NOTHING;

-- name: DeleteAccountRoles :exec
DELETE FROM account_role WHERE account_id = $1;

-- name: GetAccount :one
SELECT id, username, password_hash, must_change_password, from_first_start, created_at, last_login_at, roles
FROM account_with_roles WHERE id = $1;

-- name: FindAccount :one
SELECT id, username, password_hash, must_change_password, from_first_start, created_at, last_login_at, roles
FROM account_with_roles WHERE lower(username) = lower(sqlc.arg(username)::text);

-- name: ListAccounts :many
SELECT id, username, password_hash, must_change_password, from_first_start, created_at, last_login_at, roles
FROM account_with_roles
WHERE lower(username) > lower(sqlc.arg(after)::text)
ORDER BY lower(username)
LIMIT sqlc.arg(page_size);

-- name: ListPermissions :many
SELECT DISTINCT unnest(r.permissions)::text AS permission
FROM account_role ar JOIN role r ON r.name = ar.role
WHERE ar.account_id = $1 ORDER BY permission;

-- name: UpdateAccount :exec
UPDATE account SET username = $2, password_hash = $3, must_change_password = $4 WHERE id = $1;

-- name: SetPassword :execrows
-- Only over the hash that was verified: two changes at once must not both believe they won.
UPDATE account SET password_hash = sqlc.arg(password_hash), must_change_password = false
WHERE id = sqlc.arg(id) AND password_hash = sqlc.arg(verified_hash);

-- name: TouchLogin :exec
UPDATE account SET last_login_at = $2 WHERE id = $1;

-- name: DeleteAccount :execrows
DELETE FROM account WHERE id = $1;

-- name: LockRole :exec
-- Serialises the changes that could take the last holder of a role away.
SELECT name FROM role WHERE name = $1 FOR UPDATE;

-- name: CountHolders :one
SELECT count(*) FROM account_role WHERE role = $1;

-- name: CountKnownRoles :one
SELECT count(*) FROM role WHERE name = ANY(sqlc.arg(names)::text[]);

-- name: LockFirstStart :exec
-- One replica at a time makes what exists once: the first account, keys, the authority.
SELECT pg_advisory_xact_lock(hashtextextended('netraven auth first start', 0));
