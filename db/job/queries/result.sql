-- name: PutResults :exec
INSERT INTO task_result AS r (task_id, fence, attempt, finished_at, result)
SELECT unnest(sqlc.arg(task_ids)::uuid[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(attempts)::smallint[]),
    sqlc.arg(finished_at)::timestamptz, unnest(sqlc.arg(results)::bytea[])
ON CONFLICT (task_id) DO UPDATE SET fence = excluded.fence, attempt = excluded.attempt, finished_at = excluded.finished_at, result = excluded.result
WHERE r.fence <= excluded.fence;

-- name: PutTranscripts :exec
INSERT INTO task_transcript AS r (task_id, fence, attempt, finished_at, transcript, truncated)
SELECT unnest(sqlc.arg(task_ids)::uuid[]), unnest(sqlc.arg(fences)::bigint[]), unnest(sqlc.arg(attempts)::smallint[]),
    sqlc.arg(finished_at)::timestamptz, unnest(sqlc.arg(transcripts)::text[]), unnest(sqlc.arg(truncated)::boolean[])
ON CONFLICT (task_id) DO UPDATE SET fence = excluded.fence, attempt = excluded.attempt, finished_at = excluded.finished_at, transcript = excluded.transcript,
    truncated = excluded.truncated
WHERE r.fence <= excluded.fence;

-- name: GetTranscript :one
SELECT r.attempt, r.finished_at, r.transcript, r.truncated, t.run_id, t.device_id, t.device_name, n.kind
FROM task_transcript r JOIN task t ON t.id = r.task_id JOIN run n ON n.id = t.run_id
WHERE r.task_id = sqlc.arg(task_id);

-- name: GetResult :one
SELECT r.attempt, r.finished_at, r.result, t.run_id, t.device_id, t.device_name, n.kind
FROM task_result r JOIN task t ON t.id = r.task_id JOIN run n ON n.id = t.run_id
WHERE r.task_id = sqlc.arg(task_id);
