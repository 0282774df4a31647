-- The index in the order of its ids, suspects left out: they are not in git.
-- name: RevisionsFrom :many
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository
FROM revision
WHERE id > sqlc.arg(after_id)::uuid AND NOT suspect
ORDER BY id
LIMIT sqlc.arg(page_size)::integer;

-- name: RevisionsOfCommits :many
SELECT device_id, artifact, commit_hash, digest, remasked_fence
FROM revision
WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]) AND commit_hash = ANY(sqlc.arg(commits)::text[]) AND NOT suspect;

-- name: DigestsByNumber :many
SELECT r.device_id, r.artifact, r.number, r.digest, r.remasked_fence
FROM revision r
JOIN (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact, unnest(sqlc.arg(numbers)::integer[]) AS number) u
  ON r.device_id = u.device_id AND r.artifact = u.artifact AND r.number = u.number
WHERE NOT r.suspect;

-- Revisions that a page masked anew, by the attempts that made them: they name the commit that did, not the one that made them.
-- name: RemaskedRevisions :many
SELECT r.device_id, r.artifact, r.task_id, r.fence, r.digest, r.remasked_fence
FROM revision r
JOIN (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact, unnest(sqlc.arg(task_ids)::uuid[]) AS task_id,
             unnest(sqlc.arg(fences)::bigint[]) AS fence) u
  ON r.device_id = u.device_id AND r.artifact = u.artifact AND r.task_id = u.task_id AND r.fence = u.fence
WHERE r.remasked_at IS NOT NULL AND NOT r.suspect;

-- Artifacts beside what their revisions say of them. The newest row is empty where it is missing.
-- name: CompareArtifacts :many
SELECT a.device_id, a.name, a.repository, a.path, a.revision_id, a.number, a.blob, a.text_digest, a.covered,
       COALESCE(r.number, 0)::integer AS newest_number, COALESCE(r.blob, '')::text AS newest_blob, COALESCE(r.digest, '')::text AS newest_digest,
       (SELECT count(*) FROM revision x WHERE x.device_id = a.device_id AND x.artifact = a.name AND NOT x.suspect)::integer AS revisions
FROM artifact a
LEFT JOIN revision r ON r.id = a.revision_id AND r.device_id = a.device_id AND r.artifact = a.name AND NOT r.suspect
WHERE (a.device_id, a.name) > (sqlc.arg(after_device)::uuid, sqlc.arg(after_name)::text)
ORDER BY a.device_id, a.name
LIMIT sqlc.arg(page_size)::integer;
