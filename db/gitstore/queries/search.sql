-- name: UnsiftedArtifacts :many
SELECT device_id, name, blob, repository
FROM artifact
WHERE NOT sifted AND (device_id, name) > (sqlc.arg(after_device)::uuid, sqlc.arg(after_name)::text)
ORDER BY device_id, name
LIMIT sqlc.arg(page_size)::integer;

-- What has another blob by now stays as it is.
-- name: MarkSifted :exec
UPDATE artifact a
SET sifted = true
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(blobs)::text[]) AS blob) u
WHERE a.device_id = u.device_id AND a.name = u.name AND a.blob = u.blob AND NOT a.sifted;

-- name: UnmarkSifted :exec
UPDATE artifact SET sifted = false WHERE blob = ANY(sqlc.arg(blobs)::text[]) AND sifted;

-- All there is, in pages that begin with the given place.
-- name: ArtifactsFrom :many
SELECT device_id, name, revision_id, number, blob, sifted, repository
FROM artifact
WHERE (device_id, name) >= (sqlc.arg(from_device)::uuid, sqlc.arg(from_name)::text)
  AND (sqlc.arg(artifact)::text = '' OR name = sqlc.arg(artifact)::text)
  AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR device_id = ANY(sqlc.arg(device_ids)::uuid[]))
ORDER BY device_id, name
LIMIT sqlc.arg(page_size)::integer;

-- The same of some blobs only. They are found first, by their index: a plan made for any number of them would rather walk through all artifacts in order.
-- name: ArtifactsOf :many
WITH found AS MATERIALIZED (
    SELECT device_id, name, revision_id, number, blob, sifted, repository FROM artifact WHERE blob = ANY(sqlc.arg(blobs)::text[])
)
SELECT device_id, name, revision_id, number, blob, sifted, repository
FROM found
WHERE (device_id, name) >= (sqlc.arg(from_device)::uuid, sqlc.arg(from_name)::text)
  AND (sqlc.arg(artifact)::text = '' OR name = sqlc.arg(artifact)::text)
  AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR device_id = ANY(sqlc.arg(device_ids)::uuid[]))
ORDER BY device_id, name
LIMIT sqlc.arg(page_size)::integer;

-- The revisions of one artifact in their order; suspects have no number yet.
-- name: RevisionsUp :many
SELECT id, number, blob, created_at, repository
FROM revision
WHERE device_id = sqlc.arg(device_id) AND artifact = sqlc.arg(artifact) AND number > sqlc.arg(after_number)::integer AND NOT suspect
ORDER BY number
LIMIT sqlc.arg(page_size)::integer;
