-- name: EnrollAgent :exec
-- An agent that enrols again with the same keys is the same row.
INSERT INTO agent (id, gateway_id, name, created_at)
VALUES (@id, @gateway_id, @name, @now)
ON CONFLICT ON CONSTRAINT agent_pkey DO UPDATE
SET gateway_id = excluded.gateway_id, name = excluded.name;

-- name: ConnectAgent :one
-- The newest stream wins: it takes the row whoever held it. The row may be missing where the database is older than the agent.
INSERT INTO agent (id, gateway_id, name, version, created_at, session_id, epoch, connected_at, last_seen_at, sessions)
VALUES (@id, @gateway_id, @name, @version, @now, @session_id, 1, @now, @now, @sessions)
ON CONFLICT ON CONSTRAINT agent_pkey DO UPDATE
SET version = excluded.version, session_id = excluded.session_id, epoch = agent.epoch + 1, connected_at = excluded.connected_at,
    disconnected_at = NULL, last_seen_at = excluded.last_seen_at, sessions = excluded.sessions
RETURNING epoch;

-- name: SeeAgent :execrows
-- No row: another stream of the same agent is newer.
UPDATE agent SET last_seen_at = @now, sessions = @sessions WHERE id = @id AND session_id = @session_id;

-- name: DisconnectAgent :exec
UPDATE agent
SET session_id = NULL, disconnected_at = @now, last_seen_at = @last_seen_at, sessions = 0
WHERE id = @id AND session_id = @session_id;

-- name: RevokeAgent :one
UPDATE agent SET revoked_at = coalesce(revoked_at, @now) WHERE id = @id
RETURNING id, gateway_id, name, version, created_at, session_id, epoch, connected_at, disconnected_at, last_seen_at, sessions, revoked_at;

-- name: GetAgent :one
SELECT id, gateway_id, name, version, created_at, session_id, epoch, connected_at, disconnected_at, last_seen_at, sessions, revoked_at
FROM agent
WHERE id = @id;

-- name: ListAgents :many
SELECT id, gateway_id, name, version, created_at, session_id, epoch, connected_at, disconnected_at, last_seen_at, sessions, revoked_at
FROM agent
WHERE (lower(name), id) > (lower(@after_name::text), @after_id::uuid)
  AND (sqlc.narg(gateway_id)::uuid IS NULL OR gateway_id = sqlc.narg(gateway_id))
ORDER BY lower(name), id
LIMIT @max_rows;
