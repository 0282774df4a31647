-- Ids are UUIDv7: the oldest runs come first in the primary key, so finding one looks at few rows.
-- name: OldRun :one
SELECT id FROM run
WHERE finished_at < sqlc.arg(before)::timestamptz AND id < sqlc.arg(before_id)::uuid
ORDER BY id
LIMIT 1;

-- Attempts and logs name their task without a foreign key, as tasks name their run: they go together here.
-- name: RemoveTasks :execrows
WITH gone AS (
    DELETE FROM task WHERE id IN (SELECT t.id FROM task t WHERE t.run_id = sqlc.arg(run_id)::uuid LIMIT sqlc.arg(batch)::integer) RETURNING id
), attempts AS (
    DELETE FROM attempt a USING gone WHERE a.task_id = gone.id
), logs AS (
    DELETE FROM task_log l USING gone WHERE l.task_id = gone.id
)
SELECT id FROM gone;

-- name: RemoveRun :exec
WITH deltas AS (DELETE FROM run_delta WHERE run_id = sqlc.arg(run_id)::uuid)
DELETE FROM run WHERE id = sqlc.arg(run_id)::uuid;

-- name: CountOldRuns :one
SELECT count(*)::bigint AS runs, COALESCE(sum(total), 0)::bigint AS tasks, COALESCE(min(created_at), 'epoch')::timestamptz AS oldest
FROM run
WHERE finished_at < sqlc.arg(before)::timestamptz AND id < sqlc.arg(before_id)::uuid;
