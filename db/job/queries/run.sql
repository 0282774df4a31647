-- name: RememberRequest :one
-- Answers the run that the request_id made: run_id if this is the first time in 24 hours.
INSERT INTO request AS r (principal, request_id, run_id, created_at)
VALUES (sqlc.arg(principal), sqlc.arg(request_id), sqlc.arg(run_id), sqlc.arg(now)::timestamptz)
ON CONFLICT (principal, request_id) DO UPDATE SET
    run_id     = CASE WHEN r.created_at < sqlc.arg(now)::timestamptz - interval '24 hours' THEN excluded.run_id ELSE r.run_id END,
    created_at = CASE WHEN r.created_at < sqlc.arg(now)::timestamptz - interval '24 hours' THEN excluded.created_at ELSE r.created_at END
RETURNING r.run_id;

-- name: ForgetRequests :exec
DELETE FROM request WHERE created_at < sqlc.arg(now)::timestamptz - interval '24 hours';

-- name: InsertRun :exec
INSERT INTO run (id, kind, mutating, selection, proven_only, params, job_id, created_by, state, created_at)
VALUES (sqlc.arg(id), sqlc.arg(kind), sqlc.arg(mutating), sqlc.arg(selection), sqlc.arg(proven_only), sqlc.arg(params), sqlc.narg(job_id)::uuid, sqlc.arg(created_by), 'PENDING', sqlc.arg(created_at));

-- name: GetRun :one
SELECT r.id, r.kind, r.mutating, r.selection, r.proven_only, r.params, r.job_id, r.created_by, r.state, r.reason, r.created_at,
    r.finished_at, r.cancelled_at, r.expand_epoch, r.expand_until, r.expanded,
    r.total,
    (r.running   + COALESCE(d.running, 0))::integer   AS running,
    (r.succeeded + COALESCE(d.succeeded, 0))::integer AS succeeded,
    (r.changed   + COALESCE(d.changed, 0))::integer   AS changed,
    (r.failed    + COALESCE(d.failed, 0))::integer    AS failed,
    (r.expired   + COALESCE(d.expired, 0))::integer   AS expired,
    (r.cancelled + COALESCE(d.cancelled, 0))::integer AS cancelled,
    (r.skipped   + COALESCE(d.skipped, 0))::integer   AS skipped
FROM run r
LEFT JOIN (
    SELECT run_id, sum(running) AS running, sum(succeeded) AS succeeded, sum(changed) AS changed, sum(failed) AS failed,
        sum(expired) AS expired, sum(cancelled) AS cancelled, sum(skipped) AS skipped
    FROM run_delta WHERE run_delta.run_id = sqlc.arg(id) GROUP BY run_id
) d ON d.run_id = r.id
WHERE r.id = sqlc.arg(id);

-- name: ListRuns :many
-- Newest first. The nil id, an empty kind and an empty state stand for "any". Counts are those of GetRun.
WITH page AS (
    SELECT id, kind, mutating, selection, proven_only, params, job_id, created_by, state, reason, created_at, finished_at, cancelled_at,
        expand_epoch, expand_until, expanded, total, running, succeeded, changed, failed, expired, cancelled, skipped
    FROM run
    WHERE (sqlc.arg(before_id)::uuid = '00000000-0000-0000-0000-000000000000' OR id < sqlc.arg(before_id)::uuid)
      AND (sqlc.arg(kind)::text = '' OR kind = sqlc.arg(kind)::text)
      AND (sqlc.arg(job_id)::uuid = '00000000-0000-0000-0000-000000000000' OR job_id = sqlc.arg(job_id)::uuid)
      AND (sqlc.arg(state)::text = '' OR state = sqlc.arg(state)::text)
    ORDER BY id DESC
    LIMIT sqlc.arg(page_size)
), d AS (
    SELECT run_id, sum(running) AS running, sum(succeeded) AS succeeded, sum(changed) AS changed, sum(failed) AS failed,
        sum(expired) AS expired, sum(cancelled) AS cancelled, sum(skipped) AS skipped
    FROM run_delta WHERE run_id IN (SELECT id FROM page) GROUP BY run_id
)
SELECT r.id, r.kind, r.mutating, r.selection, r.proven_only, r.params, r.job_id, r.created_by, r.state, r.reason, r.created_at,
    r.finished_at, r.cancelled_at, r.expand_epoch, r.expand_until, r.expanded,
    r.total,
    (r.running   + COALESCE(d.running, 0))::integer   AS running,
    (r.succeeded + COALESCE(d.succeeded, 0))::integer AS succeeded,
    (r.changed   + COALESCE(d.changed, 0))::integer   AS changed,
    (r.failed    + COALESCE(d.failed, 0))::integer    AS failed,
    (r.expired   + COALESCE(d.expired, 0))::integer   AS expired,
    (r.cancelled + COALESCE(d.cancelled, 0))::integer AS cancelled,
    (r.skipped   + COALESCE(d.skipped, 0))::integer   AS skipped
FROM page r LEFT JOIN d ON d.run_id = r.id
ORDER BY r.id DESC;

-- name: LockRun :one
-- The strong lock: whoever puts a task of the run into the queue holds KEY SHARE and waits for this one.
SELECT state, cancelled_at, finished_at FROM run WHERE id = sqlc.arg(id) FOR UPDATE;

-- name: SetRunState :exec
UPDATE run SET state = sqlc.arg(state), reason = sqlc.arg(reason) WHERE id = sqlc.arg(id) AND finished_at IS NULL;

-- name: CancelRun :exec
UPDATE run SET cancelled_at = sqlc.arg(now)::timestamptz, reason = sqlc.arg(reason),
    state = CASE WHEN state = 'PAUSED' THEN 'RUNNING' ELSE state END
WHERE id = sqlc.arg(id) AND finished_at IS NULL AND cancelled_at IS NULL;

-- name: CancelledRuns :many
-- Runs whose cancellation may not have reached every task.
SELECT id FROM run WHERE finished_at IS NULL AND cancelled_at IS NOT NULL;

-- name: AddRunDeltas :exec
INSERT INTO run_delta (run_id, running, succeeded, changed, failed, expired, cancelled, skipped)
SELECT unnest(sqlc.arg(run_ids)::uuid[]), unnest(sqlc.arg(running)::integer[]), unnest(sqlc.arg(succeeded)::integer[]), unnest(sqlc.arg(changed)::integer[]),
    unnest(sqlc.arg(failed)::integer[]), unnest(sqlc.arg(expired)::integer[]), unnest(sqlc.arg(cancelled)::integer[]), unnest(sqlc.arg(skipped)::integer[]);

-- name: FoldRunDeltas :many
-- Adds what waits in run_delta to the runs and answers which changed. Two folds at once take different rows.
WITH taken AS (
    DELETE FROM run_delta d USING (SELECT ctid FROM run_delta LIMIT 10000 FOR UPDATE SKIP LOCKED) t
    WHERE d.ctid = t.ctid
    RETURNING d.run_id, d.running, d.succeeded, d.changed, d.failed, d.expired, d.cancelled, d.skipped
), summed AS (
    SELECT run_id, sum(running)::integer AS running, sum(succeeded)::integer AS succeeded, sum(changed)::integer AS changed,
        sum(failed)::integer AS failed, sum(expired)::integer AS expired, sum(cancelled)::integer AS cancelled,
        sum(skipped)::integer AS skipped
    FROM taken GROUP BY run_id ORDER BY run_id
)
UPDATE run r SET
    running   = r.running + s.running,
    succeeded = r.succeeded + s.succeeded,
    changed   = r.changed + s.changed,
    failed    = r.failed + s.failed,
    expired   = r.expired + s.expired,
    cancelled = r.cancelled + s.cancelled,
    skipped   = r.skipped + s.skipped
FROM summed s WHERE r.id = s.run_id
RETURNING r.id;

-- name: EndRuns :many
-- Ends the runs whose every task has ended. Ended tasks never change, so "as many ended as there are" is final, whatever the order in
-- which deltas were folded.
UPDATE run SET
    finished_at = sqlc.arg(now)::timestamptz,
    state = CASE
        WHEN cancelled_at IS NOT NULL AND (cancelled > 0 OR total = 0) THEN 'CANCELLED'
        WHEN total = 0 THEN 'EMPTY'
        WHEN succeeded + skipped = total AND succeeded > 0 THEN 'SUCCEEDED'
        WHEN cancelled + skipped = total THEN 'CANCELLED'
        WHEN expired + cancelled + skipped = total THEN 'EXPIRED'
        WHEN succeeded = 0 THEN 'FAILED'
        ELSE 'PARTIAL' END
WHERE finished_at IS NULL AND expanded AND succeeded + failed + expired + cancelled + skipped = total
RETURNING id;
