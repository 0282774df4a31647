-- name: AppendAudit :exec
INSERT INTO audit_line (id, at, received_at, actor, actor_name, source, action, object_kind, object_id, outcome, details)
SELECT unnest(sqlc.arg(ids)::uuid[]), unnest(sqlc.arg(ats)::timestamptz[]), sqlc.arg(received_at)::timestamptz,
       unnest(sqlc.arg(actors)::text[]), unnest(sqlc.arg(actor_names)::text[]), unnest(sqlc.arg(sources)::text[]),
       unnest(sqlc.arg(actions)::text[]), unnest(sqlc.arg(object_kinds)::text[]), unnest(sqlc.arg(object_ids)::text[]),
       unnest(sqlc.arg(outcomes)::text[]), unnest(sqlc.arg(details)::jsonb[])
ON CONFLICT (id) DO NOTHING;
