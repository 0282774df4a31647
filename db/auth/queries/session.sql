-- name: InsertSession :exec
INSERT INTO session (id, account_id, generation, rotated_at, created_at, expires_at)
VALUES ($1, $2, 1, sqlc.arg(now), sqlc.arg(now), sqlc.arg(expires_at));

-- name: InsertRefreshToken :exec
INSERT INTO refresh_token (hash, session_id, generation) VALUES ($1, $2, $3);

-- name: FindSessionByToken :one
-- The session's row lock makes concurrent refreshes of one session take turns.
SELECT s.id, s.account_id, s.generation, s.rotated_at, s.created_at, s.expires_at, s.ended_at, t.generation AS token_generation
FROM refresh_token t JOIN session s ON s.id = t.session_id
WHERE t.hash = $1 FOR UPDATE OF s;

-- name: RotateSession :exec
UPDATE session SET generation = generation + 1, rotated_at = sqlc.arg(now), expires_at = sqlc.arg(expires_at) WHERE id = $1;

-- name: ForgetOldRefreshTokens :exec
-- A family's oldest tokens: they are refused whether they are remembered or not.
DELETE FROM refresh_token WHERE session_id = $1 AND generation < $2;

-- name: EndSession :exec
UPDATE session SET ended_at = sqlc.arg(now)::timestamptz WHERE id = $1 AND ended_at IS NULL;

-- name: EndSessionsOf :exec
UPDATE session SET ended_at = sqlc.arg(now)::timestamptz WHERE account_id = $1 AND ended_at IS NULL;

-- name: DeleteOldSessions :execrows
-- An ended session is kept for a while, so that the reuse of its tokens is still told apart from noise.
DELETE FROM session WHERE expires_at < sqlc.arg(before) OR ended_at < sqlc.arg(before);

-- name: TakeLoginToken :one
-- Refills a bucket for the time that has passed and takes one token. Answers no row when the bucket is empty.
INSERT INTO login_bucket AS b (key, tokens, refilled_at)
VALUES (sqlc.arg(key), sqlc.arg(burst)::double precision - 1, sqlc.arg(now))
ON CONFLICT (key) DO UPDATE SET
    tokens = least(sqlc.arg(burst), b.tokens + sqlc.arg(per_second)::double precision
             * greatest(0, extract(epoch FROM sqlc.arg(now)::timestamptz - b.refilled_at)::double precision)) - 1,
    refilled_at = greatest(b.refilled_at, sqlc.arg(now))
WHERE least(sqlc.arg(burst), b.tokens + sqlc.arg(per_second)
             * greatest(0, extract(epoch FROM sqlc.arg(now)::timestamptz - b.refilled_at)::double precision)) >= 1
RETURNING b.tokens;

-- name: ReturnLoginTokens :exec
-- A success costs nothing: only failures count.
UPDATE login_bucket SET tokens = tokens + 1 WHERE key = ANY(sqlc.arg(keys)::bytea[]);

-- name: DeleteOldLoginBuckets :execrows
DELETE FROM login_bucket WHERE refilled_at < sqlc.arg(before);
