-- name: ResolveSelection :many
SELECT d.id, d.name, d.site_id, COALESCE(d.gateway_id, s.gateway_id)::uuid AS gateway_id, d.platform,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
JOIN site s ON s.id = d.site_id
WHERE d.deleted_at IS NULL AND d.enabled
  AND d.id > sqlc.arg(after_id)::uuid
  AND (cardinality(sqlc.arg(device_ids)::uuid[]) = 0 OR d.id = ANY(sqlc.arg(device_ids)::uuid[]))
  AND (cardinality(sqlc.arg(site_ids)::uuid[]) = 0 OR d.site_id = ANY(sqlc.arg(site_ids)::uuid[]))
  AND (cardinality(sqlc.arg(tags)::text[]) = 0 OR EXISTS (
        SELECT 1 FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id AND lower(t.name) = ANY(sqlc.arg(tags)::text[])))
ORDER BY d.id
LIMIT sqlc.arg(page_size)::integer;

-- name: GetTargets :many
SELECT d.id, d.name, d.site_id, s.name AS site_name, s.repository, COALESCE(d.gateway_id, s.gateway_id)::uuid AS gateway_id, d.address, d.port, d.platform, d.legacy,
       d.host_key_policy, d.newline, d.terminal_columns, d.terminal_rows, d.keepalive_seconds,
       COALESCE(NULLIF(d.host_key_ca, ''), s.host_key_ca)::text AS host_key_ca, d.host_key_window,
       COALESCE(d.jump_host_id, s.jump_host_id, '00000000-0000-0000-0000-000000000000')::uuid AS jump_host_id,
       ARRAY(SELECT k.key FROM host_key k WHERE k.device_id = d.id AND k.state = 'ACCEPTED' ORDER BY k.first_seen_at)::bytea[] AS host_keys,
       ARRAY(SELECT t.name FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id ORDER BY lower(t.name))::text[] AS tags
FROM device d
JOIN site s ON s.id = d.site_id
WHERE d.id = ANY(sqlc.arg(ids)::uuid[]) AND d.deleted_at IS NULL AND d.enabled;

-- name: DescribeDevices :many
SELECT d.id, d.name, d.site_id, s.name AS site_name, d.platform, d.deleted_at
FROM device d
JOIN site s ON s.id = d.site_id
WHERE d.id = ANY(sqlc.arg(ids)::uuid[]) AND (d.deleted_at IS NULL OR sqlc.arg(with_deleted)::boolean)
  AND (cardinality(sqlc.arg(site_ids)::uuid[]) = 0 OR d.site_id = ANY(sqlc.arg(site_ids)::uuid[]))
  AND (cardinality(sqlc.arg(platforms)::text[]) = 0 OR d.platform = ANY(sqlc.arg(platforms)::text[]))
  AND (cardinality(sqlc.arg(tags)::text[]) = 0 OR EXISTS (
        SELECT 1 FROM device_tag dt JOIN tag t ON t.id = dt.tag_id WHERE dt.device_id = d.id AND lower(t.name) = ANY(sqlc.arg(tags)::text[])));

-- name: RecordObservations :exec
UPDATE device d
SET serial = COALESCE(NULLIF(o.serial, ''), d.serial), model = COALESCE(NULLIF(o.model, ''), d.model),
    os_version = COALESCE(NULLIF(o.os_version, ''), d.os_version), hostname = COALESCE(NULLIF(o.hostname, ''), d.hostname),
    last_seen_at = CASE WHEN o.seen THEN GREATEST(d.last_seen_at, o.at) ELSE d.last_seen_at END,
    last_backup_at = CASE WHEN o.backed_up THEN GREATEST(d.last_backup_at, o.at) ELSE d.last_backup_at END
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(times)::timestamptz[]) AS at, unnest(sqlc.arg(serials)::text[]) AS serial,
             unnest(sqlc.arg(models)::text[]) AS model, unnest(sqlc.arg(os_versions)::text[]) AS os_version,
             unnest(sqlc.arg(hostnames)::text[]) AS hostname, unnest(sqlc.arg(seen)::boolean[]) AS seen,
             unnest(sqlc.arg(backed_up)::boolean[]) AS backed_up) o
WHERE d.id = o.id AND (d.last_seen_at IS NULL OR d.last_seen_at <= o.at);

-- name: PutPage :exec
INSERT INTO platform_page (digest, platform, page, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (digest) DO NOTHING;

-- name: GetPages :many
SELECT digest, page FROM platform_page WHERE digest = ANY(sqlc.arg(digests)::text[]);
