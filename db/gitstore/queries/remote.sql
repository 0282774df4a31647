-- name: ListRemotes :many
SELECT id, name, repository, url, username, secret_id, secrets_set, known_host, accept_first_host_key, ca, enabled, created_at, updated_at, version, pushed, pushed_at,
       behind_since, reason, error, failed_at, failures, next_try_at
FROM remote
WHERE lower(name) > lower(sqlc.arg(after)::text)
ORDER BY lower(name)
LIMIT sqlc.arg(page_size)::integer;

-- name: GetRemote :one
SELECT id, name, repository, url, username, secret_id, secrets_set, known_host, accept_first_host_key, ca, enabled, created_at, updated_at, version, pushed, pushed_at,
       behind_since, reason, error, failed_at, failures, next_try_at
FROM remote WHERE id = $1;

-- name: CreateRemote :exec
INSERT INTO remote (id, name, repository, url, username, secret_id, secrets_set, known_host, accept_first_host_key, ca, enabled, created_at, updated_at, version, pushed,
                    reason, error, failures)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, '', '', '', 0);

-- name: UpdateRemote :execrows
-- Whatever failed before says nothing about the remote as it is now.
UPDATE remote SET name = $2, url = $3, username = $4, secret_id = $5, secrets_set = $6, known_host = $7, accept_first_host_key = $8, ca = $9, enabled = $10, updated_at = $11,
                  pushed = $12, pushed_at = $13, behind_since = $14, reason = '', error = '', failed_at = NULL, failures = 0, next_try_at = NULL, version = version + 1
WHERE id = $1 AND version = sqlc.arg(version);

-- name: DeleteRemote :execrows
DELETE FROM remote WHERE id = $1;

-- name: NoteRemotesBehind :exec
UPDATE remote AS r SET behind_since = sqlc.arg(now)::timestamptz
FROM repository AS h
WHERE h.name = r.repository AND h.head <> '' AND h.head <> r.pushed AND r.behind_since IS NULL;

-- name: RemotePushed :exec
-- What was committed while the push ran is missing there since it began. Before the first commit nothing is pushed, and a push only shows that it could be.
UPDATE remote AS r SET pushed = sqlc.arg(pushed), pushed_at = CASE WHEN sqlc.arg(pushed) = '' THEN r.pushed_at ELSE sqlc.arg(now)::timestamptz END, reason = '', error = '', failed_at = NULL, failures = 0, next_try_at = NULL,
                       known_host = sqlc.arg(known_host), behind_since = CASE WHEN h.head = sqlc.arg(pushed) THEN NULL ELSE sqlc.arg(began)::timestamptz END
FROM repository AS h
WHERE h.name = r.repository AND r.id = sqlc.arg(id) AND r.version = sqlc.arg(version);

-- name: RemoteFailed :exec
UPDATE remote SET reason = sqlc.arg(reason), error = sqlc.arg(error), failed_at = sqlc.arg(now)::timestamptz, failures = failures + 1,
                  next_try_at = sqlc.arg(next_try_at)::timestamptz, known_host = sqlc.arg(known_host)
WHERE id = sqlc.arg(id) AND version = sqlc.arg(version);
