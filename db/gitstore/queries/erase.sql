-- name: ArtifactPaths :many
SELECT DISTINCT device_id, path FROM artifact ORDER BY device_id, path;

-- name: RevisionsByIDs :many
SELECT id, device_id, artifact, number, blob, repository, task_id, fence, (remasked_at IS NOT NULL)::boolean AS remasked FROM revision WHERE id = ANY(sqlc.arg(ids)::uuid[]);

-- A page of the history of some devices (none named: of all), each artifact's revisions in a row.
-- name: RevisionsInOrder :many
SELECT id, device_id, artifact, number, blob, author, repository
FROM revision
WHERE number > 0 AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR device_id = ANY(sqlc.arg(device_ids)::uuid[]))
  AND (device_id, artifact, number) > (sqlc.arg(after_device)::uuid, sqlc.arg(after_artifact)::text, sqlc.arg(after_number)::integer)
ORDER BY device_id, artifact, number
LIMIT sqlc.arg(page_size)::integer;

-- name: RevisionsElsewhere :many
SELECT id, device_id, artifact, number, blob, commit_hash, repository
FROM revision
WHERE number > 0 AND blob = ANY(sqlc.arg(blobs)::text[]) AND NOT device_id = ANY(sqlc.arg(device_ids)::uuid[])
ORDER BY id;

-- name: SuspectTexts :many
SELECT s.revision_id, s.masked, r.author
FROM suspect s
JOIN revision r ON r.id = s.revision_id
WHERE cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR r.device_id = ANY(sqlc.arg(device_ids)::uuid[])
ORDER BY s.revision_id;

-- name: RecordErasure :exec
INSERT INTO erasure (id, repository, old_head, new_head, recorded_at) VALUES (sqlc.arg(id), sqlc.arg(repository), sqlc.arg(old_head), sqlc.arg(new_head), sqlc.arg(at));

-- name: RecordErasedCommits :exec
INSERT INTO erased_commit (repository, old, new) SELECT sqlc.arg(repository)::text, unnest(sqlc.arg(olds)::text[]), unnest(sqlc.arg(news)::text[])
ON CONFLICT ON CONSTRAINT erased_commit_pk DO UPDATE SET new = EXCLUDED.new;

-- name: RenameCommits :exec
UPDATE revision r SET commit_hash = e.new FROM erased_commit e WHERE r.commit_hash = e.old AND r.repository = e.repository;

-- No digest: the text is as it was, only what came before it is not. Where a page masked it anew, its lines stay counted as they came.
-- name: RewriteRevisions :exec
UPDATE revision r
SET blob = u.blob, digest = COALESCE(NULLIF(u.digest, ''), r.digest), size = u.size, author = u.author, compared = false,
    lines_added = CASE WHEN r.remasked_at IS NULL THEN u.lines_added ELSE r.lines_added END, lines_removed = CASE WHEN r.remasked_at IS NULL THEN u.lines_removed ELSE r.lines_removed END
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(blobs)::text[]) AS blob, unnest(sqlc.arg(digests)::text[]) AS digest,
             unnest(sqlc.arg(sizes)::integer[]) AS size, unnest(sqlc.arg(added)::integer[]) AS lines_added, unnest(sqlc.arg(removed)::integer[]) AS lines_removed,
             unnest(sqlc.arg(authors)::text[]) AS author) u
WHERE r.id = u.id;

-- What they took away, and what they no longer do, is noted again (compared).
-- name: DropGone :exec
DELETE FROM gone WHERE revision_id = ANY(sqlc.arg(ids)::uuid[]);

-- The newest texts that changed: no label fits them, so their next results come with bytes.
-- name: FollowRevisions :exec
UPDATE artifact a
SET blob = r.blob, text_digest = r.digest, label = '', digest = '', sifted = false
FROM revision r
WHERE r.id = a.revision_id AND r.id = ANY(sqlc.arg(ids)::uuid[]) AND a.blob <> r.blob;

-- name: RewriteSuspects :exec
WITH n AS (
    SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(masked)::bytea[]) AS masked, unnest(sqlc.arg(digests)::text[]) AS digest,
           unnest(sqlc.arg(sizes)::integer[]) AS size, unnest(sqlc.arg(authors)::text[]) AS author
), texts AS (
    UPDATE suspect s SET masked = n.masked, label = '', digest = '' FROM n WHERE s.revision_id = n.id
)
UPDATE revision r SET digest = n.digest, size = n.size, author = n.author FROM n WHERE r.id = n.id;

-- name: DropRevisions :exec
DELETE FROM revision WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);

-- name: DropArtifacts :exec
DELETE FROM artifact WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);

-- name: UnfinishedErasures :many
SELECT repository, old_head, new_head FROM erasure WHERE done_at IS NULL ORDER BY recorded_at, repository;

-- Later than all that mirrors may have followed already.
-- name: FinishErasures :exec
UPDATE erasure u
SET done_at = GREATEST(sqlc.arg(at)::timestamptz, (SELECT max(s.done_at) + interval '1 microsecond' FROM shredded s),
                       (SELECT max(e.done_at) + interval '1 microsecond' FROM erasure e))
WHERE u.done_at IS NULL;

-- name: ErasedSince :many
SELECT done_at FROM erasure WHERE done_at > sqlc.arg(since)::timestamptz ORDER BY done_at;

-- name: WasErased :one
SELECT EXISTS (SELECT 1 FROM erased_commit WHERE repository = sqlc.arg(repository) AND old = sqlc.arg(old));

-- name: OthersConnected :one
SELECT count(*)::integer FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND application_name = sqlc.arg(name)::text AND pid <> pg_backend_pid();

-- Who has one of the texts now, where it lies, and where its revision was committed: a device that moved left that behind.
-- name: NewestOfBlobs :many
SELECT a.device_id, a.name, a.blob, a.repository, r.repository AS committed
FROM artifact a
JOIN revision r ON r.id = a.revision_id
WHERE a.blob = ANY(sqlc.arg(blobs)::text[])
ORDER BY a.device_id, a.name;

-- name: UnauditedErasures :many
SELECT id, repository, old_head, new_head, recorded_at FROM erasure WHERE NOT audited ORDER BY recorded_at, id;

-- name: AuditedErasures :exec
UPDATE erasure SET audited = true WHERE id = ANY(sqlc.arg(ids)::uuid[]);
