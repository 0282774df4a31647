-- name: TakeRunToExpand :one
-- The oldest run that nobody expands. The epoch is the right to go on: a later taker gets a higher one.
UPDATE run SET
    state        = CASE WHEN state = 'PENDING' THEN 'EXPANDING' ELSE state END,
    expand_epoch = expand_epoch + 1,
    expand_until = sqlc.arg(now)::timestamptz + interval '30 seconds'
WHERE id = (
    SELECT id FROM run
    WHERE finished_at IS NULL AND NOT expanded AND (expand_until IS NULL OR expand_until <= sqlc.arg(now)::timestamptz)
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, selection, proven_only, expand_epoch, total, (cancelled_at IS NOT NULL)::boolean AS cancelled;

-- name: ReleaseExpansion :exec
-- Lets the run be taken again from until on.
UPDATE run SET expand_until = sqlc.arg(until)::timestamptz, reason = sqlc.arg(reason)
WHERE id = sqlc.arg(id) AND expand_epoch = sqlc.arg(epoch) AND NOT expanded;

-- name: LockExpansion :one
-- Held while a page of tasks goes in: nobody else can be expanding the run, and its state cannot change under the page.
SELECT state, (cancelled_at IS NOT NULL)::boolean AS cancelled FROM run
WHERE id = sqlc.arg(id) AND expand_epoch = sqlc.arg(epoch) AND NOT expanded
FOR UPDATE;

-- name: CountExpanded :exec
UPDATE run SET total = total + sqlc.arg(added)::integer, expand_until = sqlc.arg(now)::timestamptz + interval '30 seconds' WHERE id = sqlc.arg(id);

-- name: EndExpansion :exec
UPDATE run SET expanded = true, expand_until = NULL,
    reason = CASE WHEN cancelled_at IS NULL THEN sqlc.arg(reason)::text ELSE reason END,
    state = CASE WHEN state = 'EXPANDING' THEN 'RUNNING' ELSE state END
WHERE id = sqlc.arg(id);

-- name: ExpandedDevices :many
SELECT device_id FROM task WHERE run_id = sqlc.arg(run_id);

-- name: GatewayServed :many
SELECT gateway_id, served FROM gateway_rate;

-- name: ProvenDevices :many
SELECT device_id FROM proven_device WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);

-- name: CopyTasks :copyfrom
INSERT INTO task (id, run_id, device_id, device_name, gateway_id, state, created_at) VALUES (sqlc.arg(id), sqlc.arg(run_id), sqlc.arg(device_id), sqlc.arg(device_name), sqlc.arg(gateway_id), sqlc.arg(state), sqlc.arg(created_at));

-- name: CopyReady :copyfrom
INSERT INTO ready (task_id, gateway_id, device_id, run_id, place, queued_at) VALUES (sqlc.arg(task_id), sqlc.arg(gateway_id), sqlc.arg(device_id), sqlc.arg(run_id), sqlc.arg(place), sqlc.arg(queued_at));
