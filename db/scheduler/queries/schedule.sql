-- name: InsertSchedule :one
INSERT INTO schedule (id, name, job_id, cron, every, at, time_zone, enabled, anchor, next_fire_at, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(job_id), sqlc.arg(cron), sqlc.arg(every), sqlc.narg(at)::timestamptz, sqlc.arg(time_zone), sqlc.arg(enabled),
    sqlc.arg(now)::timestamptz, sqlc.narg(next_fire_at)::timestamptz, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
RETURNING id, name, job_id, cron, every, at, time_zone, enabled, system, anchor, next_fire_at, last_fire_at, created_at, updated_at;

-- name: EnsureSystemSchedule :exec
INSERT INTO schedule (id, name, job_id, cron, time_zone, enabled, system, anchor, next_fire_at, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(job_id), sqlc.arg(cron), sqlc.arg(time_zone), true, true, sqlc.arg(now)::timestamptz,
    sqlc.arg(next_fire_at)::timestamptz, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
ON CONFLICT (id) DO NOTHING;

-- name: GetSchedule :one
SELECT id, name, job_id, cron, every, at, time_zone, enabled, system, anchor, next_fire_at, last_fire_at, created_at, updated_at
FROM schedule WHERE id = sqlc.arg(id);

-- name: LockSchedule :one
SELECT id, name, job_id, cron, every, at, time_zone, enabled, system, anchor, next_fire_at, last_fire_at, created_at, updated_at
FROM schedule WHERE id = sqlc.arg(id) FOR UPDATE;

-- name: ListSchedules :many
SELECT id, name, job_id, cron, every, at, time_zone, enabled, system, anchor, next_fire_at, last_fire_at, created_at, updated_at
FROM schedule
WHERE (lower(name), id) > (lower(sqlc.arg(after_name)::text), sqlc.arg(after_id)::uuid)
ORDER BY lower(name), id
LIMIT sqlc.arg(page_size);

-- name: UpdateSchedule :one
UPDATE schedule SET name = sqlc.arg(name), job_id = sqlc.arg(job_id), cron = sqlc.arg(cron), every = sqlc.arg(every), at = sqlc.narg(at)::timestamptz,
    time_zone = sqlc.arg(time_zone), enabled = sqlc.arg(enabled), anchor = sqlc.arg(anchor), next_fire_at = sqlc.narg(next_fire_at)::timestamptz,
    updated_at = sqlc.arg(now)::timestamptz
WHERE id = sqlc.arg(id)
RETURNING id, name, job_id, cron, every, at, time_zone, enabled, system, anchor, next_fire_at, last_fire_at, created_at, updated_at;

-- name: DeleteSchedule :execrows
DELETE FROM schedule WHERE id = sqlc.arg(id) AND NOT system;

-- name: DeleteFires :exec
DELETE FROM fire WHERE schedule_id = sqlc.arg(schedule_id);
