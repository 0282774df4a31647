-- name: CountOriginals :one
SELECT count(*) FROM original WHERE change > sqlc.arg(after)::bigint AND change <= sqlc.arg(until)::bigint;

-- name: ListOriginals :many
SELECT o.change, o.revision_id, o.sealed, o.task_id, o.fence, o.size, r.device_id, r.artifact, r.task_id AS revision_task_id, r.fence AS revision_fence, r.author, r.created_at,
       COALESCE(a.path, '')::text AS path
FROM original o
JOIN revision r ON r.id = o.revision_id AND NOT r.suspect
LEFT JOIN artifact a ON a.device_id = r.device_id AND a.name = r.artifact
WHERE (o.change, o.revision_id) > (sqlc.arg(after)::bigint, sqlc.arg(after_id)::uuid) AND o.change <= sqlc.arg(until)::bigint
ORDER BY o.change, o.revision_id
LIMIT sqlc.arg(page_size)::integer;

-- name: WroteManifest :one
SELECT (sqlc.arg(mark)::text = ANY(manifests))::boolean FROM repository WHERE name = sqlc.arg(repository);

-- name: WillWriteManifest :exec
UPDATE repository SET manifests = sqlc.arg(marks)::text[] WHERE name = sqlc.arg(repository);

-- Those of a mirror's originals that are here, as they came.
-- name: HeldOriginals :many
SELECT o.revision_id
FROM original o
JOIN (SELECT unnest(sqlc.arg(revision_ids)::uuid[]) AS revision_id, unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) AS n
  ON o.revision_id = n.revision_id AND o.task_id = n.task_id AND o.fence = n.fence;

-- An original that was not for mirrors before, because its revision was suspect.
-- name: TouchOriginal :exec
WITH next AS (UPDATE repository SET change = change + 1 WHERE name = sqlc.arg(repository) RETURNING change)
UPDATE original SET change = next.change FROM next WHERE revision_id = sqlc.arg(revision_id);
