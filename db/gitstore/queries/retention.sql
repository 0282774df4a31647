-- A repeat that comes later than this finds no answer, and a higher fence: it is kept as an observation, as any late attempt.
-- name: ForgetAttempts :execrows
DELETE FROM stored_attempt
WHERE (task_id, fence) IN (SELECT s.task_id, s.fence FROM stored_attempt s WHERE s.stored_at < sqlc.arg(before)::timestamptz ORDER BY s.stored_at LIMIT sqlc.arg(batch)::integer);

-- Originals of revisions recorded before a moment, oldest first: ids are UUIDv7. The newest of each artifact stays, however old, and so does a suspect's.
-- name: OldOriginals :many
SELECT o.revision_id
FROM original o
JOIN revision r ON r.id = o.revision_id
WHERE o.revision_id > sqlc.arg(after_id)::uuid AND r.created_at < sqlc.arg(before)::timestamptz AND NOT r.suspect
  AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.device_id = r.device_id AND a.name = r.artifact AND a.revision_id = r.id)
ORDER BY o.revision_id
LIMIT sqlc.arg(batch)::integer;

-- name: DropOriginals :exec
DELETE FROM original WHERE revision_id = ANY(sqlc.arg(ids)::uuid[]);

-- name: CountOldOriginals :one
SELECT count(*)::bigint AS originals, COALESCE(sum(octet_length(o.sealed)), 0)::bigint AS bytes, COALESCE(min(r.created_at), 'epoch')::timestamptz AS oldest
FROM original o
JOIN revision r ON r.id = o.revision_id
WHERE r.created_at < sqlc.arg(before)::timestamptz AND NOT r.suspect
  AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.device_id = r.device_id AND a.name = r.artifact AND a.revision_id = r.id);
