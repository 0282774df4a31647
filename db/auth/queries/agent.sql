-- name: InsertJoinToken :exec
INSERT INTO join_token (id, hash, gateway_id, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: FindJoinToken :one
-- The row lock makes two enrolments with one token take turns.
SELECT id, gateway_id, created_by, created_at, expires_at, agent_id FROM join_token WHERE hash = $1 FOR UPDATE;

-- name: BindJoinToken :exec
UPDATE join_token SET agent_id = sqlc.arg(agent_id)::uuid WHERE id = $1;

-- name: DeleteOldJoinTokens :execrows
DELETE FROM join_token WHERE expires_at < sqlc.arg(before);

-- name: InsertAgent :exec
INSERT INTO agent (id, gateway_id, name, public_key, seal_key, certificate, not_after, enrolled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: GetAgent :one
SELECT id, gateway_id, name, public_key, seal_key, certificate, not_after, enrolled_at, revoked_at, revoked_by
FROM agent WHERE id = $1;

-- name: RenewAgent :execrows
UPDATE agent SET certificate = $2, not_after = $3 WHERE id = $1 AND revoked_at IS NULL;

-- name: RevokeAgent :execrows
UPDATE agent SET revoked_at = sqlc.arg(now)::timestamptz, revoked_by = sqlc.arg(revoked_by)::text WHERE id = $1 AND revoked_at IS NULL;

-- name: ListRevokedAgents :many
SELECT id FROM agent WHERE revoked_at IS NOT NULL AND not_after > sqlc.arg(now) ORDER BY id;
