-- name: GetMirrorPoint :one
SELECT head, change FROM repository WHERE name = $1;

-- name: CountOriginals :one
SELECT count(*) FROM original WHERE change > sqlc.arg(after)::bigint AND change <= sqlc.arg(until)::bigint;

-- name: ListOriginals :many
SELECT o.change, o.revision_id, o.sealed, o.task_id, o.fence, o.size, r.device_id, r.artifact, r.task_id AS revision_task_id, r.fence AS revision_fence, r.author, r.created_at
FROM original o
JOIN revision r ON r.id = o.revision_id
WHERE (o.change, o.revision_id) > (sqlc.arg(after)::bigint, sqlc.arg(after_id)::uuid) AND o.change <= sqlc.arg(until)::bigint
ORDER BY o.change, o.revision_id
LIMIT sqlc.arg(page_size)::integer;
