-- name: HasWork :one
-- Whether a claim for the gateway could find anything, without touching it.
SELECT (EXISTS (SELECT 1 FROM ready r WHERE r.gateway_id = sqlc.arg(gateway_id) AND r.not_before IS NULL)
    OR EXISTS (SELECT 1 FROM ready h WHERE h.gateway_id = sqlc.arg(gateway_id) AND h.not_before <= sqlc.arg(now)::timestamptz))::boolean AS found;

-- name: FreeHeld :exec
-- Lets tasks in whose time has come.
UPDATE ready SET not_before = NULL WHERE not_before <= sqlc.arg(now)::timestamptz;

-- name: Enqueue :many
-- Puts READY tasks into the queue, those of runs that go on; the lock keeps pause and cancel away until this transaction ends. What is held
-- back comes a thousand places later, or else a thousand tasks that wait for one credential would be asked about again and again before others.
WITH open AS (
    SELECT id FROM run WHERE id = ANY(sqlc.arg(run_ids)::uuid[]) AND state <> 'PAUSED' AND cancelled_at IS NULL ORDER BY id FOR KEY SHARE
), item AS (
    SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(not_before)::timestamptz[]) AS not_before
)
INSERT INTO ready (task_id, gateway_id, device_id, run_id, not_before, place, queued_at)
SELECT t.id, t.gateway_id, t.device_id, t.run_id, NULLIF(i.not_before, '0001-01-01T00:00:00Z'::timestamptz),
    COALESCE((SELECT g.served FROM gateway_rate g WHERE g.gateway_id = t.gateway_id), 0)
        + CASE WHEN i.not_before = '0001-01-01T00:00:00Z'::timestamptz THEN 0 ELSE 1000 END,
    sqlc.arg(now)::timestamptz
FROM item i
JOIN task t ON t.id = i.task_id AND t.state = 'READY'
JOIN open o ON o.id = t.run_id
ON CONFLICT (task_id) DO NOTHING
RETURNING gateway_id;

-- name: LockReady :exec
-- The queue is locked before tasks, always: claims do so too.
SELECT 1 FROM ready WHERE task_id = ANY(sqlc.arg(task_ids)::uuid[]) ORDER BY task_id FOR UPDATE;

-- name: Dequeue :exec
DELETE FROM ready WHERE task_id = ANY(sqlc.arg(task_ids)::uuid[]);

-- name: DequeueRun :exec
DELETE FROM ready WHERE run_id = sqlc.arg(run_id);

-- name: EnqueueRun :many
-- Puts back what a pause took out.
WITH item AS (
    INSERT INTO ready (task_id, gateway_id, device_id, run_id, place, queued_at)
    SELECT t.id, t.gateway_id, t.device_id, t.run_id,
        COALESCE(g.served, 0) + row_number() OVER (PARTITION BY t.gateway_id ORDER BY t.id), sqlc.arg(now)::timestamptz
    FROM task t LEFT JOIN gateway_rate g ON g.gateway_id = t.gateway_id
    WHERE t.run_id = sqlc.arg(run_id) AND t.state = 'READY'
    ON CONFLICT (task_id) DO NOTHING
    RETURNING gateway_id
)
SELECT DISTINCT gateway_id FROM item;

-- name: Unattended :many
-- Tasks that wait at gateways of which no agent has asked for work since since.
SELECT r.task_id FROM ready r LEFT JOIN gateway_rate g ON g.gateway_id = r.gateway_id
WHERE r.queued_at < sqlc.arg(since)::timestamptz AND COALESCE(g.asked_at, '-infinity') < sqlc.arg(since)::timestamptz
LIMIT 1000;

-- name: WaitingInVain :many
-- Tasks, by id, that wait at gateways of which no agent has asked for work for a while: their devices may be elsewhere by now.
SELECT r.task_id, r.device_id, r.gateway_id FROM ready r LEFT JOIN gateway_rate g ON g.gateway_id = r.gateway_id
WHERE r.task_id > sqlc.arg(after) AND COALESCE(g.asked_at, '-infinity') < sqlc.arg(since)::timestamptz
ORDER BY r.task_id
LIMIT sqlc.arg(batch);
