-- name: InsertLog :exec
-- Keeps lines of attempts that the agent holds or held, each once, and up to the bounds of the table.
INSERT INTO task_log (task_id, fence, sequence, at, attempt, level, message)
SELECT i.task_id, i.fence, i.sequence, i.at, i.attempt, i.level, i.message
FROM (
    SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence, unnest(sqlc.arg(sequences)::integer[]) AS sequence,
        unnest(sqlc.arg(at)::timestamptz[]) AS at, unnest(sqlc.arg(attempts)::smallint[]) AS attempt, unnest(sqlc.arg(levels)::text[]) AS level,
        unnest(sqlc.arg(messages)::text[]) AS message
) i
WHERE sqlc.arg(agent_id)::uuid IN (
    (SELECT t.agent_id FROM task t WHERE t.id = i.task_id AND t.fence = i.fence),
    (SELECT a.agent_id FROM attempt a WHERE a.task_id = i.task_id AND a.fence = i.fence))
ON CONFLICT (task_id, fence, sequence) DO NOTHING;

-- name: ListLog :many
SELECT at, attempt, level, message FROM task_log WHERE task_id = sqlc.arg(task_id) ORDER BY fence, sequence LIMIT 4000;
