-- Steps of a reindex, in this order and in one transaction from AdoptRevisions on.

-- name: ClearReindexed :exec
TRUNCATE reindexed;

-- name: AddReindexed :copyfrom
INSERT INTO reindexed (id, device_id, artifact, number, size, lines_added, lines_removed, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, lies_in, path, last_fence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19);

-- Newest states that moved with their devices, which makes no revision.
-- name: MoveReindexed :exec
UPDATE reindexed f
SET lies_in = u.lies_in, path = u.path, last_fence = u.fence
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact, unnest(sqlc.arg(numbers)::integer[]) AS number,
             unnest(sqlc.arg(lies_in)::text[]) AS lies_in, unnest(sqlc.arg(paths)::text[]) AS path, unnest(sqlc.arg(fences)::bigint[]) AS fence) u
WHERE f.device_id = u.device_id AND f.artifact = u.artifact AND f.number = u.number;

-- Texts that a page masked anew, which makes no revision: the last of each revision. Their newest states follow.
-- name: RemaskReindexed :exec
UPDATE reindexed f
SET commit_hash = u.commit_hash, blob = u.blob, repository = u.repository, digest = u.digest, size = u.size, remasked_at = u.at, remasked_fence = u.fence
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(artifacts)::text[]) AS artifact, unnest(sqlc.arg(numbers)::integer[]) AS number,
             unnest(sqlc.arg(commits)::text[]) AS commit_hash, unnest(sqlc.arg(blobs)::text[]) AS blob, unnest(sqlc.arg(repositories)::text[]) AS repository,
             unnest(sqlc.arg(digests)::text[]) AS digest, unnest(sqlc.arg(sizes)::integer[]) AS size, unnest(sqlc.arg(at)::timestamptz[]) AS at,
             unnest(sqlc.arg(fences)::bigint[]) AS fence) u
WHERE f.device_id = u.device_id AND f.artifact = u.artifact AND f.number = u.number AND COALESCE(f.remasked_fence, 0) <= u.fence;

-- What the index has of an attempt keeps its id, and what git does not know as well: the fraction of its second, and each artifact's author. A suspect that was accepted is found so too.
-- name: AdoptRevisions :execrows
UPDATE reindexed f
SET id = r.id, created_at = r.created_at, author = r.author
FROM revision r
WHERE r.task_id = f.task_id AND r.fence = f.fence AND r.device_id = f.device_id AND r.artifact = f.artifact;

-- name: CountForeign :one
SELECT count(*)::bigint FROM revision r WHERE NOT r.suspect AND NOT EXISTS (SELECT 1 FROM reindexed f WHERE f.id = r.id);

-- name: ListForeign :many
SELECT r.id, r.device_id, r.artifact, r.number, r.commit_hash, r.created_at
FROM revision r
WHERE NOT r.suspect AND NOT EXISTS (SELECT 1 FROM reindexed f WHERE f.id = r.id)
ORDER BY r.id
LIMIT sqlc.arg(page_size)::integer;

-- What rows took away is not known any more where their text changes, or the one before: they are compared again by the next server.
-- name: ForgetCompared :exec
UPDATE revision r
SET compared = false
FROM reindexed f
WHERE f.id = r.id AND r.compared
  AND (r.blob, COALESCE((SELECT b.blob FROM revision b WHERE b.device_id = r.device_id AND b.artifact = r.artifact AND b.number = r.number - 1 AND r.number > 1), ''))
      IS DISTINCT FROM
      (f.blob, COALESCE((SELECT g.blob FROM reindexed g WHERE g.device_id = f.device_id AND g.artifact = f.artifact AND g.number = f.number - 1), ''));

-- name: DropUncompared :exec
DELETE FROM gone g USING revision r WHERE r.id = g.revision_id AND NOT r.compared;

-- name: DropForeign :exec
DELETE FROM revision r WHERE NOT r.suspect AND NOT EXISTS (SELECT 1 FROM reindexed f WHERE f.id = r.id);

-- Numbers that change go out of the way first: within one statement two rows may not have the same.
-- name: ParkNumbers :exec
UPDATE revision r SET number = r.number + 1000000000 FROM reindexed f WHERE f.id = r.id AND NOT r.suspect AND r.number <> f.number;

-- name: CorrectRevisions :execrows
UPDATE revision r
SET number = f.number, size = f.size, lines_added = f.lines_added, lines_removed = f.lines_removed, suspect = false, commit_hash = f.commit_hash, blob = f.blob,
    digest = f.digest, run_id = f.run_id, repository = f.repository, remasked_at = f.remasked_at, remasked_fence = f.remasked_fence
FROM reindexed f
WHERE f.id = r.id
  AND (r.number, r.size, r.lines_added, r.lines_removed, r.suspect, r.commit_hash, r.blob, r.digest, r.run_id, r.repository, r.remasked_at, r.remasked_fence)
      IS DISTINCT FROM (f.number, f.size, f.lines_added, f.lines_removed, false, f.commit_hash, f.blob, f.digest, f.run_id, f.repository, f.remasked_at, f.remasked_fence);

-- name: AddMissing :execrows
INSERT INTO revision (id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository, remasked_at, remasked_fence)
SELECT f.id, f.device_id, f.artifact, f.number, f.size, f.lines_added, f.lines_removed, false, f.author, f.commit_hash, f.blob, f.digest, f.run_id, f.task_id, f.fence, f.created_at, f.repository, f.remasked_at, f.remasked_fence
FROM reindexed f
WHERE NOT EXISTS (SELECT 1 FROM revision r WHERE r.id = f.id);

-- name: DropAccepted :exec
DELETE FROM suspect s USING revision r WHERE r.id = s.revision_id AND NOT r.suspect;

-- name: DropForeignArtifacts :execrows
DELETE FROM artifact a WHERE NOT EXISTS (SELECT 1 FROM reindexed f WHERE f.device_id = a.device_id AND f.artifact = a.name);

-- The newest states. One whose original is not there has no label, so the next result must come with its bytes.
-- name: CorrectArtifacts :execrows
INSERT INTO artifact AS a (device_id, name, path, revision_id, number, blob, text_digest, label, digest, fence, seen_at, repository)
SELECT DISTINCT ON (f.device_id, f.artifact) f.device_id, f.artifact, f.path, f.id, f.number, f.blob, f.digest, '', '', f.last_fence, f.created_at, f.lies_in
FROM reindexed f
ORDER BY f.device_id, f.artifact, f.number DESC
ON CONFLICT ON CONSTRAINT artifact_pk DO UPDATE
SET repository = EXCLUDED.repository, path = EXCLUDED.path, revision_id = EXCLUDED.revision_id, number = EXCLUDED.number, blob = EXCLUDED.blob, text_digest = EXCLUDED.text_digest,
    label = CASE WHEN a.revision_id = EXCLUDED.revision_id AND a.text_digest = EXCLUDED.text_digest AND EXISTS (SELECT 1 FROM original o WHERE o.revision_id = a.revision_id)
                 THEN a.label ELSE '' END,
    digest = CASE WHEN a.revision_id = EXCLUDED.revision_id AND a.text_digest = EXCLUDED.text_digest AND EXISTS (SELECT 1 FROM original o WHERE o.revision_id = a.revision_id)
                  THEN a.digest ELSE '' END,
    fence = GREATEST(a.fence, EXCLUDED.fence), seen_at = GREATEST(a.seen_at, EXCLUDED.seen_at), sifted = a.sifted AND a.blob = EXCLUDED.blob
WHERE (a.repository, a.path, a.revision_id, a.number, a.blob, a.text_digest) IS DISTINCT FROM (EXCLUDED.repository, EXCLUDED.path, EXCLUDED.revision_id, EXCLUDED.number, EXCLUDED.blob, EXCLUDED.text_digest)
   OR (a.label <> '' AND NOT EXISTS (SELECT 1 FROM original o WHERE o.revision_id = a.revision_id));

-- Which of them git's newest commits have no text of, because another's lies there.
-- name: CorrectCovered :exec
UPDATE artifact a
SET covered = NOT a.covered
WHERE a.covered <> EXISTS (SELECT 1 FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name) u
                           WHERE u.device_id = a.device_id AND u.name = a.name);

-- Repeats are answered with the ids that count now. What was kept apart stays told so.
-- name: CorrectAttempts :exec
INSERT INTO stored_attempt AS s (task_id, fence, device_id, changed, observation, revision_ids, stored_at)
SELECT f.task_id, f.fence, (array_agg(f.device_id))[1], true, false, array_agg(f.id ORDER BY f.artifact), max(f.created_at)
FROM reindexed f
WHERE f.created_at >= sqlc.arg(since)::timestamptz
GROUP BY f.task_id, f.fence
ON CONFLICT ON CONSTRAINT stored_attempt_pk DO UPDATE
SET changed = true, observation = false, revision_ids = EXCLUDED.revision_ids
WHERE s.suspect IS NULL AND NOT (s.revision_ids @> EXCLUDED.revision_ids AND s.revision_ids <@ EXCLUDED.revision_ids);

-- What the index says some commits made: oldest first.
-- name: RevisionsAt :many
SELECT id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest, run_id, task_id, fence, created_at, repository
FROM revision
WHERE commit_hash = ANY(sqlc.arg(commits)::text[]) AND NOT suspect
ORDER BY id;

-- A revision that a page masked anew, by its number.
-- name: RemaskedRevision :one
SELECT task_id, fence, run_id, lines_added, lines_removed
FROM revision
WHERE device_id = sqlc.arg(device_id) AND artifact = sqlc.arg(artifact) AND number = sqlc.arg(number) AND remasked_at IS NOT NULL;
