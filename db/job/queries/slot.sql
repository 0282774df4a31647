-- name: HoldSlots :many
-- Renews leases; answers those that could be.
UPDATE device_slot s SET lease_until = LEAST(sqlc.arg(lease_until)::timestamptz, s.deadline + interval '60 seconds')
FROM (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) i
WHERE s.fence = i.fence AND s.task_id = i.task_id AND s.agent_id = sqlc.arg(agent_id) AND NOT s.offered AND NOT s.lost
RETURNING s.task_id, s.fence;

-- name: LeaseSlots :many
-- Accepts, or takes up again, attempts whose tasks are locked.
UPDATE device_slot s SET lease_until = LEAST(sqlc.arg(lease_until)::timestamptz, s.deadline + interval '60 seconds'), offered = false, lost = false
WHERE s.fence = ANY(sqlc.arg(fences)::bigint[])
RETURNING s.fence;

-- name: LostSlots :many
-- Lost attempts that still hold their device and so may be taken up again.
SELECT fence FROM device_slot WHERE fence = ANY(sqlc.arg(fences)::bigint[]) AND lost;

-- name: FreeSlots :exec
DELETE FROM device_slot WHERE fence = ANY(sqlc.arg(fences)::bigint[]);

-- name: LateSlots :many
-- Attempts without news for too long.
SELECT task_id FROM device_slot WHERE NOT lost AND lease_until <= sqlc.arg(now)::timestamptz LIMIT 500;

-- name: LoseSlots :many
-- Among locked tasks' slots, those that are late still: the lease may have been renewed since LateSlots.
UPDATE device_slot SET lost = NOT offered
WHERE task_id = ANY(sqlc.arg(task_ids)::uuid[]) AND NOT lost AND lease_until <= sqlc.arg(now)::timestamptz
RETURNING task_id, fence, offered;

-- name: DropSlots :exec
-- Slots of lost attempts whose session cannot be alive any more.
DELETE FROM device_slot WHERE lost AND deadline <= sqlc.arg(now)::timestamptz - interval '60 seconds';

-- name: AgentSlots :many
SELECT task_id, fence FROM device_slot WHERE agent_id = sqlc.arg(agent_id);

-- name: FreeLostSlots :exec
-- An agent reports on attempts that decide nothing any more: at least their sessions are over.
DELETE FROM device_slot s
USING (SELECT unnest(sqlc.arg(task_ids)::uuid[]) AS task_id, unnest(sqlc.arg(fences)::bigint[]) AS fence) i
WHERE s.fence = i.fence AND s.task_id = i.task_id AND s.agent_id = sqlc.arg(agent_id) AND s.lost;

-- name: RunGateways :many
-- Where attempts of a run are held now.
SELECT DISTINCT s.gateway_id FROM device_slot s JOIN task t ON t.id = s.task_id WHERE t.run_id = sqlc.arg(run_id);
