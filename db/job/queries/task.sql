-- name: LockTasks :many
-- Locked in the order of ids, always.
SELECT t.id, t.run_id, t.device_id, t.gateway_id, t.state, t.fence, t.attempt, t.agent_id, t.changed, t.failure, t.waiting_for,
    t.not_before, t.stop, t.proceeded, t.created_at, t.started_at, t.finished_at, r.kind, r.mutating, (r.cancelled_at IS NOT NULL)::boolean AS run_cancelled
FROM task t JOIN run r ON r.id = t.run_id
WHERE t.id = ANY(sqlc.arg(task_ids)::uuid[])
ORDER BY t.id
FOR UPDATE OF t;

-- name: WriteTasks :exec
-- Writes what became of locked tasks. The zero time, the nil id and the empty failure stand for NULL. An accepted offer
-- touches no index: the attempt starts a moment later, and that is what watchers see.
UPDATE task t SET
    state       = i.state,
    gateway_id  = i.gateway_id,
    fence       = i.fence,
    attempt     = i.attempt,
    agent_id    = NULLIF(i.agent_id, '00000000-0000-0000-0000-000000000000'::uuid),
    changed     = i.changed,
    failure     = NULLIF(i.failure, ''::bytea),
    waiting_for = i.waiting_for,
    not_before  = NULLIF(i.not_before, '0001-01-01T00:00:00Z'::timestamptz),
    stop        = i.stop,
    proceeded   = i.proceeded,
    started_at  = NULLIF(i.started_at, '0001-01-01T00:00:00Z'::timestamptz),
    finished_at = NULLIF(i.finished_at, '0001-01-01T00:00:00Z'::timestamptz),
    touched     = CASE WHEN t.state = 'OFFERED' AND i.state = 'LEASED' THEN t.touched ELSE pg_current_xact_id()::text::bigint END
FROM (
    SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(states)::text[]) AS state, unnest(sqlc.arg(gateway_ids)::uuid[]) AS gateway_id,
        unnest(sqlc.arg(fences)::bigint[]) AS fence, unnest(sqlc.arg(attempts)::smallint[]) AS attempt, unnest(sqlc.arg(agent_ids)::uuid[]) AS agent_id,
        unnest(sqlc.arg(changed)::boolean[]) AS changed, unnest(sqlc.arg(failures)::bytea[]) AS failure, unnest(sqlc.arg(waiting_for)::text[]) AS waiting_for,
        unnest(sqlc.arg(not_before)::timestamptz[]) AS not_before, unnest(sqlc.arg(stop)::boolean[]) AS stop, unnest(sqlc.arg(proceeded)::boolean[]) AS proceeded,
        unnest(sqlc.arg(started_at)::timestamptz[]) AS started_at, unnest(sqlc.arg(finished_at)::timestamptz[]) AS finished_at
) i
WHERE t.id = i.id;

-- name: PickDue :many
-- Tasks whose wait is over.
SELECT id FROM task WHERE state IN ('SCHEDULED', 'RETRY_WAIT') AND not_before <= sqlc.arg(now)::timestamptz ORDER BY not_before LIMIT 1000;

-- name: CancelWaiting :one
-- Cancels up to batch waiting tasks of a cancelled run and counts them. Nothing can queue them again: the run is cancelled.
WITH victim AS (
    SELECT w.id FROM task w WHERE w.run_id = sqlc.arg(run_id) AND w.state IN ('SCHEDULED', 'READY', 'RETRY_WAIT') LIMIT sqlc.arg(batch) FOR UPDATE SKIP LOCKED
), done AS (
    UPDATE task t SET state = 'CANCELLED', finished_at = sqlc.arg(now)::timestamptz, fence = 0, waiting_for = '', not_before = NULL,
        touched = pg_current_xact_id()::text::bigint
    FROM victim WHERE t.id = victim.id
    RETURNING t.id
), counted AS (
    INSERT INTO run_delta (run_id, running, succeeded, changed, failed, expired, cancelled, skipped)
    SELECT sqlc.arg(run_id), 0, 0, 0, 0, 0, count(*), 0 FROM done HAVING count(*) > 0
    RETURNING 1
)
SELECT count(*) FROM done;

-- name: PickOffered :many
SELECT id FROM task WHERE run_id = sqlc.arg(run_id) AND state = 'OFFERED' LIMIT sqlc.arg(batch);

-- name: InsertAttempts :exec
-- A lost attempt that reports after all is rewritten; a decided one stays as it is.
INSERT INTO attempt AS a (task_id, fence, run_id, number, agent_id, lost, task_state, failure, started_at, finished_at)
SELECT unnest(sqlc.arg(task_ids)::uuid[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(run_ids)::uuid[]), unnest(sqlc.arg(numbers)::smallint[]),
    unnest(sqlc.arg(agent_ids)::uuid[]), unnest(sqlc.arg(lost)::boolean[]), unnest(sqlc.arg(task_states)::text[]), NULLIF(unnest(sqlc.arg(failures)::bytea[]), ''::bytea),
    NULLIF(unnest(sqlc.arg(started_at)::timestamptz[]), '0001-01-01T00:00:00Z'::timestamptz), unnest(sqlc.arg(finished_at)::timestamptz[])
ON CONFLICT (task_id, fence) DO UPDATE SET lost = excluded.lost, task_state = excluded.task_state, failure = excluded.failure,
    finished_at = excluded.finished_at
WHERE a.lost;

-- name: GetAttempts :many
SELECT a.task_id, a.fence, a.agent_id, a.lost, a.task_state FROM attempt a
JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) i ON i.task_id = a.task_id AND i.fence = a.fence;

-- name: MarkProven :exec
INSERT INTO proven_device (device_id, since) SELECT DISTINCT unnest(sqlc.arg(device_ids)::uuid[]), sqlc.arg(now)::timestamptz
ON CONFLICT (device_id) DO NOTHING;

-- name: GetTask :one
SELECT id, run_id, device_id, device_name, gateway_id, state, fence, attempt, agent_id, changed, failure, waiting_for, not_before, stop,
    created_at, started_at, finished_at, touched, proceeded
FROM task WHERE id = sqlc.arg(id);

-- name: ListTasks :many
SELECT id, run_id, device_id, device_name, gateway_id, state, fence, attempt, agent_id, changed, failure, waiting_for, not_before, stop,
    created_at, started_at, finished_at, touched, proceeded
FROM task
WHERE run_id = sqlc.arg(run_id) AND (device_name COLLATE "C", id) > (sqlc.arg(after_name)::text COLLATE "C", sqlc.arg(after_id)::uuid)
  AND (sqlc.arg(state)::text = '' OR state = sqlc.arg(state)::text)
ORDER BY device_name COLLATE "C", id
LIMIT sqlc.arg(page_size);

-- name: Horizon :one
-- Every transaction below has ended; what a later look must read again begins here.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- name: TouchedTasks :many
SELECT id, run_id, device_id, device_name, gateway_id, state, fence, attempt, agent_id, changed, failure, waiting_for, not_before, stop,
    created_at, started_at, finished_at, touched, proceeded
FROM task
WHERE run_id = sqlc.arg(run_id) AND touched >= sqlc.arg(horizon) AND (touched, id) > (sqlc.arg(after_touched)::bigint, sqlc.arg(after_id)::uuid)
ORDER BY touched, id
LIMIT sqlc.arg(page_size);

-- name: FailedDevices :many
-- Not the INDETERMINATE ones: a person looks at the device first.
SELECT DISTINCT device_id FROM task WHERE run_id = sqlc.arg(run_id) AND state IN ('FAILED', 'EXPIRED');
