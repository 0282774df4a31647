-- name: GetHeads :many
SELECT name, head FROM repository WHERE name = ANY(sqlc.arg(names)::text[]);

-- All heads and the count of changes as they are at one moment.
-- name: ListRepositories :many
SELECT name, head, change FROM repository ORDER BY name;

-- name: AddRepositories :exec
INSERT INTO repository (name, head)
SELECT unnest(sqlc.arg(names)::text[]), ''
ON CONFLICT ON CONSTRAINT repository_pk DO NOTHING;

-- Whoever gets fewer rows than heads must roll back: another writer moved one.
-- name: MoveHeads :execrows
UPDATE repository r
SET head = u.next
FROM (SELECT unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(olds)::text[]) AS old, unnest(sqlc.arg(nexts)::text[]) AS next) u
WHERE r.name = u.name AND r.head = u.old;

-- name: GetArtifacts :many
SELECT device_id, name, path, revision_id, number, blob, text_digest, label, digest, fence, seen_at, sifted, repository, covered
FROM artifact
WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[])
ORDER BY device_id, name;

-- name: OthersAtPaths :many
SELECT device_id, name, path, repository, blob FROM artifact WHERE path = ANY(sqlc.arg(paths)::text[]);

-- name: PutArtifacts :exec
INSERT INTO artifact (device_id, name, path, revision_id, number, blob, text_digest, label, digest, fence, seen_at, repository, covered)
SELECT unnest(sqlc.arg(device_ids)::uuid[]), unnest(sqlc.arg(names)::text[]), unnest(sqlc.arg(paths)::text[]), unnest(sqlc.arg(revision_ids)::uuid[]),
       unnest(sqlc.arg(numbers)::integer[]), unnest(sqlc.arg(blobs)::text[]), unnest(sqlc.arg(text_digests)::text[]), unnest(sqlc.arg(labels)::text[]),
       unnest(sqlc.arg(digests)::text[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(seen_at)::timestamptz[]),
       unnest(sqlc.arg(repositories)::text[]), unnest(sqlc.arg(covered)::boolean[])
ON CONFLICT ON CONSTRAINT artifact_pk DO UPDATE
SET sifted = artifact.sifted AND artifact.blob = EXCLUDED.blob, repository = EXCLUDED.repository, path = EXCLUDED.path, revision_id = EXCLUDED.revision_id, number = EXCLUDED.number, blob = EXCLUDED.blob, text_digest = EXCLUDED.text_digest,
    label = EXCLUDED.label, digest = EXCLUDED.digest, fence = GREATEST(artifact.fence, EXCLUDED.fence), seen_at = GREATEST(artifact.seen_at, EXCLUDED.seen_at),
    covered = EXCLUDED.covered;

-- Files were put where other artifacts lie.
-- name: CoverOthers :exec
UPDATE artifact o
SET covered = true
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(repositories)::text[]) AS repository,
             unnest(sqlc.arg(paths)::text[]) AS path) u
WHERE o.path = u.path AND o.repository = u.repository AND (o.device_id, o.name) <> (u.device_id, u.name) AND NOT o.covered;

-- Revisions whose text a changed page masked anew: they stay what they are, but for that text. What it took away is noted again (compared).
-- name: RemaskRevisions :exec
WITH u AS (
    SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact, unnest(sqlc.arg(numbers)::integer[]) AS number,
           unnest(sqlc.arg(commits)::text[]) AS commit_hash, unnest(sqlc.arg(blobs)::text[]) AS blob, unnest(sqlc.arg(repositories)::text[]) AS repository,
           unnest(sqlc.arg(digests)::text[]) AS digest, unnest(sqlc.arg(sizes)::integer[]) AS size, unnest(sqlc.arg(at)::timestamptz[]) AS at,
           unnest(sqlc.arg(fences)::bigint[]) AS fence
), now AS (
    UPDATE revision r
    SET commit_hash = u.commit_hash, blob = u.blob, repository = u.repository, digest = u.digest, size = u.size, remasked_at = u.at, remasked_fence = u.fence, compared = false
    FROM u
    WHERE r.device_id = u.device_id AND r.artifact = u.artifact AND r.number = u.number AND COALESCE(r.remasked_fence, 0) <= u.fence
    RETURNING r.id
)
DELETE FROM gone g USING now WHERE g.revision_id = now.id;

-- name: GetOriginals :many
SELECT revision_id, sealed, task_id, fence FROM original WHERE revision_id = ANY(sqlc.arg(revision_ids)::uuid[]);

-- An unchanged artifact: only that it was seen is news.
-- name: SeeArtifacts :exec
UPDATE artifact a
SET fence = GREATEST(a.fence, u.fence), seen_at = GREATEST(a.seen_at, u.seen_at)
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(fences)::bigint[]) AS fence,
             unnest(sqlc.arg(seen_at)::timestamptz[]) AS seen_at) u
WHERE a.device_id = u.device_id AND a.name = u.name;

-- The text stays, and lies elsewhere from now on.
-- name: MoveArtifacts :exec
UPDATE artifact a
SET repository = u.repository, path = u.path, covered = false
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name, unnest(sqlc.arg(repositories)::text[]) AS repository,
             unnest(sqlc.arg(paths)::text[]) AS path) u
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
