-- name: ListRevisions :many
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, compared, remasked_at, remasked_fence
FROM revision
WHERE device_id = sqlc.arg(device_id)
  AND (sqlc.arg(artifact)::text = '' OR artifact = sqlc.arg(artifact)::text)
  AND (NOT sqlc.arg(one_state)::boolean OR suspect = sqlc.arg(suspect)::boolean)
  AND id < sqlc.arg(before_id)::uuid
  AND id >= sqlc.arg(from_id)::uuid
  AND created_at >= sqlc.arg(since)::timestamptz AND created_at < sqlc.arg(until)::timestamptz
ORDER BY id DESC
LIMIT sqlc.arg(page_size)::integer;

-- name: ListAllRevisions :many
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, compared, remasked_at, remasked_fence
FROM revision
WHERE (sqlc.arg(artifact)::text = '' OR artifact = sqlc.arg(artifact)::text)
  AND NOT (sqlc.arg(accepted)::boolean AND suspect)
  AND id < sqlc.arg(before_id)::uuid
  AND id >= sqlc.arg(from_id)::uuid
  AND created_at >= sqlc.arg(since)::timestamptz AND created_at < sqlc.arg(until)::timestamptz
ORDER BY id DESC
LIMIT sqlc.arg(page_size)::integer;

-- name: ListSuspects :many
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, compared, remasked_at, remasked_fence
FROM revision
WHERE suspect
  AND (sqlc.arg(artifact)::text = '' OR artifact = sqlc.arg(artifact)::text)
  AND id < sqlc.arg(before_id)::uuid
  AND id >= sqlc.arg(from_id)::uuid
  AND created_at >= sqlc.arg(since)::timestamptz AND created_at < sqlc.arg(until)::timestamptz
ORDER BY id DESC
LIMIT sqlc.arg(page_size)::integer;

-- name: GetRevision :one
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, compared, remasked_at, remasked_fence
FROM revision
WHERE id = $1;

-- name: GetOriginal :one
SELECT o.sealed, o.task_id, o.fence, o.size, r.device_id, r.artifact
FROM original o
JOIN revision r ON r.id = o.revision_id
WHERE o.revision_id = $1;

-- name: CreateRevisions :copyfrom
INSERT INTO revision (id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

-- name: PutOriginals :exec
WITH next AS (UPDATE repository SET change = change + 1 WHERE name = sqlc.arg(repository) RETURNING change)
INSERT INTO original (revision_id, sealed, task_id, fence, size, change)
SELECT n.revision_id, n.sealed, n.task_id, n.fence, n.size, next.change
FROM next, (SELECT unnest(sqlc.arg(revision_ids)::uuid[]) AS revision_id, unnest(sqlc.arg(sealed)::bytea[]) AS sealed, unnest(sqlc.arg(task_ids)::uuid[]) AS task_id,
                   unnest(sqlc.arg(fences)::bigint[]) AS fence, unnest(sqlc.arg(sizes)::integer[]) AS size) n
ON CONFLICT ON CONSTRAINT original_pk DO UPDATE
SET sealed = EXCLUDED.sealed, task_id = EXCLUDED.task_id, fence = EXCLUDED.fence, size = EXCLUDED.size, change = EXCLUDED.change;
