-- name: GetSuspects :many
SELECT r.id, r.device_id, r.artifact, r.digest
FROM revision r
JOIN (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact) w
  ON w.device_id = r.device_id AND w.artifact = r.artifact
WHERE r.suspect;

-- name: GetSuspect :one
SELECT r.id, r.device_id, r.artifact, r.author, r.digest AS text_digest, r.run_id, r.task_id, r.fence AS first_fence, r.created_at,
       s.masked, s.label, s.digest, s.fence, s.seen_at
FROM suspect s
JOIN revision r ON r.id = s.revision_id
WHERE s.revision_id = $1;

-- name: GetSuspectText :one
SELECT masked FROM suspect WHERE revision_id = $1;

-- name: PutSuspects :exec
INSERT INTO suspect (revision_id, masked, label, digest, fence, seen_at)
SELECT unnest(sqlc.arg(revision_ids)::uuid[]), unnest(sqlc.arg(masked)::bytea[]), unnest(sqlc.arg(labels)::text[]), unnest(sqlc.arg(digests)::text[]),
       unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(seen_at)::timestamptz[])
ON CONFLICT ON CONSTRAINT suspect_pk DO UPDATE
SET label = EXCLUDED.label, digest = EXCLUDED.digest, fence = EXCLUDED.fence, seen_at = EXCLUDED.seen_at;

-- Of these artifacts something else is known now.
-- name: DeleteSuspects :exec
DELETE FROM revision r
USING (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact) w
WHERE r.device_id = w.device_id AND r.artifact = w.artifact AND r.suspect;

-- name: AcceptSuspect :execrows
WITH gone AS (DELETE FROM suspect WHERE revision_id = sqlc.arg(id))
UPDATE revision
SET suspect = false, number = sqlc.arg(number), lines_added = sqlc.arg(lines_added), lines_removed = sqlc.arg(lines_removed), commit_hash = sqlc.arg(commit_hash),
    blob = sqlc.arg(blob), repository = sqlc.arg(repository)
WHERE id = sqlc.arg(id) AND suspect;

-- name: ExpireSuspects :execrows
DELETE FROM revision r
USING suspect s
WHERE s.revision_id = r.id AND r.suspect AND s.seen_at < sqlc.arg(before)::timestamptz;
