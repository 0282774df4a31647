-- name: ListTags :many
SELECT t.id, t.name,
       (SELECT count(*) FROM device_tag dt JOIN device d ON d.id = dt.device_id WHERE dt.tag_id = t.id AND d.deleted_at IS NULL)::integer AS device_count
FROM tag t
WHERE lower(t.name) > sqlc.arg(after_name)::text
ORDER BY lower(t.name)
LIMIT sqlc.arg(page_size)::integer;

-- name: CreateTags :exec
INSERT INTO tag (id, name)
SELECT unnest(sqlc.arg(ids)::uuid[]), unnest(sqlc.arg(names)::text[])
ON CONFLICT (lower(name)) DO NOTHING;

-- name: RemoveTags :exec
DELETE FROM device_tag WHERE device_id = ANY(sqlc.arg(device_ids)::uuid[]);

-- name: AddTags :exec
INSERT INTO device_tag (device_id, tag_id)
SELECT a.device_id, t.id
FROM (SELECT unnest(sqlc.arg(device_ids)::uuid[]) AS device_id, unnest(sqlc.arg(names)::text[]) AS name) a
JOIN tag t ON lower(t.name) = lower(a.name)
ON CONFLICT DO NOTHING;
