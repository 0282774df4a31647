-- name: InsertJob :one
INSERT INTO job (id, name, kind, selection, params, system, proven_only, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(kind), sqlc.arg(selection), sqlc.arg(params), false, false, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
RETURNING id, name, kind, selection, params, system, proven_only, created_at, updated_at;

-- name: EnsureSystemJob :exec
INSERT INTO job (id, name, kind, selection, params, system, proven_only, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(kind), '{}', '{}', true, sqlc.arg(proven_only), sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
ON CONFLICT (id) DO NOTHING;

-- name: GetJob :one
SELECT id, name, kind, selection, params, system, proven_only, created_at, updated_at FROM job WHERE id = sqlc.arg(id);

-- name: LockJob :one
SELECT id, name, kind, selection, params, system, proven_only, created_at, updated_at FROM job WHERE id = sqlc.arg(id) FOR UPDATE;

-- name: ListJobs :many
SELECT id, name, kind, selection, params, system, proven_only, created_at, updated_at
FROM job
WHERE (lower(name), id) > (lower(sqlc.arg(after_name)::text), sqlc.arg(after_id)::uuid)
ORDER BY lower(name), id
LIMIT sqlc.arg(page_size);

-- name: UpdateJob :one
UPDATE job SET name = sqlc.arg(name), kind = sqlc.arg(kind), selection = sqlc.arg(selection), params = sqlc.arg(params), updated_at = sqlc.arg(now)::timestamptz
WHERE id = sqlc.arg(id)
RETURNING id, name, kind, selection, params, system, proven_only, created_at, updated_at;

-- name: DeleteJob :execrows
DELETE FROM job WHERE id = sqlc.arg(id) AND NOT system;
