-- name: LockDue :many
-- Due schedules that no other replica has in hand.
SELECT id, job_id, cron, every, at, time_zone, anchor, next_fire_at::timestamptz AS due_at
FROM schedule
WHERE next_fire_at <= sqlc.arg(now)::timestamptz
ORDER BY next_fire_at
LIMIT sqlc.arg(batch)
FOR UPDATE SKIP LOCKED;

-- name: InsertFires :exec
-- An empty error leaves the fire to be driven, from its own time on.
INSERT INTO fire (schedule_id, due_at, fired_at, job_id, error, ask_at)
SELECT i.schedule_id, i.due_at, sqlc.arg(now)::timestamptz, i.job_id, i.error, CASE WHEN i.error = '' THEN sqlc.arg(now)::timestamptz END
FROM (
    SELECT unnest(sqlc.arg(schedule_ids)::uuid[]) AS schedule_id, unnest(sqlc.arg(due_at)::timestamptz[]) AS due_at,
        unnest(sqlc.arg(job_ids)::uuid[]) AS job_id, unnest(sqlc.arg(errors)::text[]) AS error
) i
ON CONFLICT (schedule_id, due_at) DO NOTHING;

-- name: AdvanceSchedules :exec
-- The zero time stands for never again.
UPDATE schedule s SET next_fire_at = NULLIF(i.next, '0001-01-01T00:00:00Z'::timestamptz), last_fire_at = i.due_at
FROM (
    SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(due_at)::timestamptz[]) AS due_at, unnest(sqlc.arg(next)::timestamptz[]) AS next
) i
WHERE s.id = i.id;

-- name: TakeOpenFires :many
-- Fires whose run is to be asked for. Another replica, or this one after a crash, gets them again half a minute later.
UPDATE fire f SET ask_at = sqlc.arg(now)::timestamptz + interval '30 seconds'
FROM (
    SELECT o.schedule_id, o.due_at FROM fire o WHERE o.ask_at <= sqlc.arg(now)::timestamptz ORDER BY o.ask_at LIMIT sqlc.arg(batch) FOR UPDATE SKIP LOCKED
) t
WHERE f.schedule_id = t.schedule_id AND f.due_at = t.due_at
RETURNING f.schedule_id, f.due_at, f.fired_at, f.job_id;

-- name: SettleFire :exec
UPDATE fire SET run_id = sqlc.narg(run_id)::uuid, error = sqlc.arg(error), ask_at = sqlc.narg(ask_at)::timestamptz
WHERE schedule_id = sqlc.arg(schedule_id) AND due_at = sqlc.arg(due_at) AND ask_at IS NOT NULL;

-- name: NextEvent :one
-- When there is something to do; the zero time if nothing is planned.
SELECT COALESCE(LEAST(
    (SELECT min(s.next_fire_at) FROM schedule s WHERE s.next_fire_at IS NOT NULL),
    (SELECT min(f.ask_at) FROM fire f WHERE f.ask_at IS NOT NULL)
), '0001-01-01T00:00:00Z'::timestamptz)::timestamptz AS at;

-- name: ListFires :many
SELECT due_at, fired_at, run_id, error FROM fire
WHERE schedule_id = sqlc.arg(schedule_id) AND due_at < sqlc.arg(before)::timestamptz
ORDER BY due_at DESC
LIMIT sqlc.arg(page_size);
