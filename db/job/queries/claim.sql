-- name: LockGateway :one
-- Fills the gateway's token bucket and locks it until the claim is done, so that claims of one gateway follow one another and its caps
-- are exact. A changed rate counts at once.
INSERT INTO gateway_rate AS g (gateway_id, tokens, filled_at, asked_at)
VALUES (sqlc.arg(gateway_id), sqlc.arg(rate)::double precision, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
ON CONFLICT (gateway_id) DO UPDATE SET
    tokens    = LEAST(sqlc.arg(rate)::double precision,
                    g.tokens + sqlc.arg(rate)::double precision * GREATEST(0, extract(epoch FROM sqlc.arg(now)::timestamptz - g.filled_at)::double precision)),
    filled_at = GREATEST(g.filled_at, sqlc.arg(now)::timestamptz),
    asked_at  = GREATEST(g.asked_at, sqlc.arg(now)::timestamptz)
RETURNING tokens;

-- name: GatewayAsked :exec
-- Notes that an agent of the gateway is there; at most one write in ten seconds.
INSERT INTO gateway_rate AS g (gateway_id, tokens, filled_at, asked_at)
VALUES (sqlc.arg(gateway_id), sqlc.arg(rate)::double precision, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz)
ON CONFLICT (gateway_id) DO UPDATE SET asked_at = sqlc.arg(now)::timestamptz
WHERE g.asked_at < sqlc.arg(now)::timestamptz - interval '10 seconds';

-- name: CountSessions :one
-- Lost attempts count too: their sessions may still be open.
SELECT count(*) FROM device_slot WHERE agent_id = sqlc.arg(agent_id);

-- name: ClaimReady :many
-- Takes up to max tasks of the gateway, one a device, each with a new fence and its device's slot. Tasks whose device is busy are held
-- back for a second, out of the way of the next claim. Watchers are not told of offers (`touched` stays): most are leases a moment later.
WITH candidate AS MATERIALIZED (
    SELECT ready.task_id, ready.device_id, ready.place FROM ready
    WHERE ready.gateway_id = sqlc.arg(gateway_id) AND ready.not_before IS NULL
    ORDER BY ready.place, ready.task_id
    LIMIT sqlc.arg(max)::integer
    FOR UPDATE SKIP LOCKED
), one AS (
    SELECT DISTINCT ON (device_id) device_id, task_id, place FROM candidate ORDER BY device_id, place, task_id
), slot AS (
    INSERT INTO device_slot AS s (device_id, task_id, fence, gateway_id, agent_id, lease_until, deadline)
    SELECT device_id, task_id, nextval('fence'), sqlc.arg(gateway_id), sqlc.arg(agent_id), sqlc.arg(lease_until)::timestamptz, sqlc.arg(deadline)::timestamptz
    FROM one ORDER BY device_id
    ON CONFLICT (device_id) DO UPDATE SET task_id = excluded.task_id, fence = excluded.fence, gateway_id = excluded.gateway_id,
        agent_id = excluded.agent_id, offered = true, lease_until = excluded.lease_until, deadline = excluded.deadline, lost = false
    WHERE s.lost AND s.deadline <= sqlc.arg(now)::timestamptz - interval '60 seconds'
    RETURNING s.task_id, s.fence
), taken AS (
    DELETE FROM ready r USING slot WHERE r.task_id = slot.task_id RETURNING r.place
), busy AS (
    UPDATE ready r SET not_before = sqlc.arg(now)::timestamptz + interval '1 second'
    FROM candidate c
    WHERE r.task_id = c.task_id AND c.task_id NOT IN (SELECT slot.task_id FROM slot)
), spent AS (
    UPDATE gateway_rate g SET tokens = g.tokens - n.claimed, served = GREATEST(g.served, n.served)
    FROM (SELECT count(*) AS claimed, COALESCE(max(place), 0) AS served FROM taken) n
    WHERE g.gateway_id = sqlc.arg(gateway_id)
    RETURNING g.gateway_id
)
UPDATE task t SET state = 'OFFERED', fence = slot.fence, agent_id = sqlc.arg(agent_id), waiting_for = '', not_before = NULL,
    started_at = NULL
FROM slot, run r
WHERE t.id = slot.task_id AND t.state = 'READY' AND r.id = t.run_id
RETURNING t.id, t.run_id, t.device_id, t.fence, t.attempt, r.kind, r.params, r.mutating, r.created_by;

-- name: RefundTokens :exec
UPDATE gateway_rate SET tokens = tokens + sqlc.arg(claimed)::integer WHERE gateway_id = sqlc.arg(gateway_id);

-- name: CancelledAttempts :many
SELECT t.id, t.fence FROM task t JOIN run r ON r.id = t.run_id
JOIN (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) held ON held.task_id = t.id AND held.fence = t.fence
WHERE t.state IN ('LEASED', 'RUNNING') AND (t.stop OR r.cancelled_at IS NOT NULL)
  AND t.agent_id = sqlc.arg(agent_id);
