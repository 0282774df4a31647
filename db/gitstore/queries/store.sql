-- name: GetHead :one
SELECT head FROM repository WHERE name = $1;

-- name: MoveHead :execrows
UPDATE repository SET head = sqlc.arg(next) WHERE name = sqlc.arg(name) AND head = sqlc.arg(old);

-- name: GetArtifacts :many
SELECT device_id, name, path, revision_id, number, blob, text_digest, label, digest, fence, seen_at, sifted
FROM artifact
WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[])
ORDER BY device_id, name;

-- name: OthersAtPaths :many
SELECT device_id, name, path FROM artifact WHERE path = ANY(sqlc.arg(paths)::text[]);

-- name: PutArtifacts :exec
INSERT INTO artifact (device_id, name, path, revision_id, number, blob, text_digest, label, digest, fence, seen_at)
SELECT unnest(sqlc.arg(device_ids)::uuid[]), unnest(sqlc.arg(names)::text[]), unnest(sqlc.arg(paths)::text[]), unnest(sqlc.arg(revision_ids)::uuid[]),
       unnest(sqlc.arg(numbers)::integer[]), unnest(sqlc.arg(blobs)::text[]), unnest(sqlc.arg(text_digests)::text[]), unnest(sqlc.arg(labels)::text[]),
       unnest(sqlc.arg(digests)::text[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(seen_at)::timestamptz[])
ON CONFLICT ON CONSTRAINT artifact_pk DO UPDATE
SET sifted = artifact.sifted AND artifact.blob = EXCLUDED.blob, path = EXCLUDED.path, revision_id = EXCLUDED.revision_id, number = EXCLUDED.number, blob = EXCLUDED.blob, text_digest = EXCLUDED.text_digest,
    label = EXCLUDED.label, digest = EXCLUDED.digest, fence = GREATEST(artifact.fence, EXCLUDED.fence), seen_at = GREATEST(artifact.seen_at, EXCLUDED.seen_at);

-- An unchanged artifact: only that it was seen is news.
-- name: SeeArtifacts :exec
UPDATE artifact a
SET fence = GREATEST(a.fence, u.fence), seen_at = GREATEST(a.seen_at, u.seen_at)
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(fences)::bigint[]) AS fence,
             unnest(sqlc.arg(seen_at)::timestamptz[]) AS seen_at) u
WHERE a.device_id = u.device_id AND a.name = u.name;

-- name: GetStored :many
SELECT s.task_id, s.fence, s.changed, s.revision_ids, s.suspect
FROM stored_attempt s
JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) w ON w.task_id = s.task_id AND w.fence = s.fence;

-- The revision ids of an attempt travel as one text, for arrays of arrays do not unnest row by row.
-- name: PutStored :exec
INSERT INTO stored_attempt (task_id, fence, device_id, changed, observation, revision_ids, suspect, stored_at)
SELECT n.task_id, n.fence, n.device_id, n.ids <> '', n.observation, COALESCE(string_to_array(NULLIF(n.ids, ''), ','), '{}')::uuid[], NULLIF(n.suspect, ''), sqlc.arg(at)::timestamptz
FROM (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence, unnest(sqlc.arg(device_ids)::uuid[]) AS device_id,
             unnest(sqlc.arg(observations)::boolean[]) AS observation, unnest(sqlc.arg(revision_ids)::text[]) AS ids,
             unnest(sqlc.arg(suspects)::bytea[]) AS suspect) n
ON CONFLICT ON CONSTRAINT stored_attempt_pk DO NOTHING;
