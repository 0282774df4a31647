-- Revisions that are not compared with the one before yet, and its blob; empty: it is the first.
-- name: UncomparedRevisions :many
SELECT r.id, r.device_id, r.artifact, r.blob, r.repository, COALESCE(b.blob, '')::text AS before, COALESCE(b.repository, '')::text AS before_repository
FROM revision r
LEFT JOIN revision b ON b.device_id = r.device_id AND b.artifact = r.artifact AND b.number = r.number - 1 AND r.number > 1
WHERE NOT r.compared AND NOT r.suspect AND r.id > sqlc.arg(after_id)::uuid
ORDER BY r.id
LIMIT sqlc.arg(page_size)::integer;

-- One whose text a page masked anew meanwhile waits for its turn again.
-- name: PutGone :exec
WITH done AS (
    UPDATE revision r SET compared = true
    FROM (SELECT unnest(sqlc.arg(compared)::uuid[]) AS id, unnest(sqlc.arg(blobs)::text[]) AS blob) u
    WHERE r.id = u.id AND r.blob = u.blob
    RETURNING r.id
)
INSERT INTO gone (revision_id, device_id, artifact, lines)
SELECT n.revision_id, n.device_id, n.artifact, n.lines
FROM (SELECT unnest(sqlc.arg(revision_ids)::uuid[]) AS revision_id, unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact,
             unnest(sqlc.arg(lines)::bytea[]) AS lines) n
JOIN done ON done.id = n.revision_id
ON CONFLICT ON CONSTRAINT gone_pk DO UPDATE SET lines = EXCLUDED.lines;

-- The artifacts from a place on that lost a line with one of some literals, which are in lower case.
-- name: ArtifactsThatLost :many
SELECT DISTINCT g.device_id, g.artifact
FROM gone g
WHERE (g.device_id, g.artifact) >= (sqlc.arg(from_device)::uuid, sqlc.arg(from_name)::text)
  AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR g.device_id = ANY(sqlc.arg(device_ids)::uuid[]))
  AND EXISTS (SELECT 1 FROM unnest(sqlc.arg(literals)::bytea[]) AS l (literal) WHERE position(l.literal IN g.lines) > 0)
LIMIT sqlc.arg(page_size)::integer;

-- Artifacts whose history is searched: those with some blobs now, some others, and those that are not compared yet.
-- name: ArtifactsThatHad :many
WITH found AS MATERIALIZED (
    SELECT device_id, name FROM artifact WHERE blob = ANY(sqlc.arg(blobs)::text[])
    UNION
    SELECT u.device_id, u.name FROM (SELECT unnest(sqlc.arg(lost_devices)::uuid[]) AS device_id, unnest(sqlc.arg(lost_names)::text[]) AS name) u
    UNION
    SELECT r.device_id, r.artifact FROM revision r WHERE NOT r.compared AND NOT r.suspect
)
SELECT a.device_id, a.name, a.revision_id, a.number, a.blob, a.sifted, a.repository
FROM found f
JOIN artifact a ON a.device_id = f.device_id AND a.name = f.name
WHERE (a.device_id, a.name) >= (sqlc.arg(from_device)::uuid, sqlc.arg(from_name)::text)
  AND (sqlc.arg(artifact)::text = '' OR a.name = sqlc.arg(artifact)::text)
  AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR a.device_id = ANY(sqlc.arg(device_ids)::uuid[]))
ORDER BY a.device_id, a.name
LIMIT sqlc.arg(page_size)::integer;
