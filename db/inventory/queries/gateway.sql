-- name: ListGateways :many
SELECT id, name, max_sessions, logins_per_second, created_at, updated_at
FROM gateway
WHERE lower(name) > sqlc.arg(after_name)::text
ORDER BY lower(name)
LIMIT sqlc.arg(page_size)::integer;

-- name: GetGateway :one
SELECT id, name, max_sessions, logins_per_second, created_at, updated_at
FROM gateway
WHERE id = $1;

-- name: CreateGateway :one
INSERT INTO gateway (id, name, max_sessions, logins_per_second, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
RETURNING id, name, max_sessions, logins_per_second, created_at, updated_at;

-- name: UpdateGateway :one
UPDATE gateway
SET name = COALESCE(sqlc.narg(name), name),
    max_sessions = COALESCE(sqlc.narg(max_sessions), max_sessions),
    logins_per_second = COALESCE(sqlc.narg(logins_per_second), logins_per_second),
    updated_at = sqlc.arg(updated_at)
WHERE id = sqlc.arg(id)
RETURNING id, name, max_sessions, logins_per_second, created_at, updated_at;

-- A deleted device keeps its row, and with it the gateway it had: take that off first.
-- name: ForgetGatewayOfDeleted :exec
UPDATE device SET gateway_id = NULL WHERE gateway_id = $1 AND deleted_at IS NOT NULL;

-- name: DeleteGateway :execrows
DELETE FROM gateway WHERE id = $1;

-- name: GatewayIDs :many
SELECT id, name FROM gateway;
