-- Each number is a range of device_coverage_idx.
-- name: CountCoverage :one
SELECT (SELECT count(*) FROM device WHERE deleted_at IS NULL AND enabled)::integer AS devices,
       (SELECT count(*) FROM device WHERE deleted_at IS NULL AND enabled
          AND COALESCE(last_backup_at, '-infinity'::timestamptz) < sqlc.arg(since)::timestamptz)::integer AS missing,
       (SELECT count(*) FROM device WHERE deleted_at IS NULL AND enabled
          AND COALESCE(last_backup_at, '-infinity'::timestamptz) = '-infinity'::timestamptz)::integer AS never;

-- name: ListUncovered :many
SELECT d.id, d.name, d.platform, d.site_id, s.name AS site_name, d.last_backup_at
FROM device d
JOIN site s ON s.id = d.site_id
WHERE d.deleted_at IS NULL AND d.enabled
  AND COALESCE(d.last_backup_at, '-infinity'::timestamptz) < sqlc.arg(since)::timestamptz
  AND (COALESCE(d.last_backup_at, '-infinity'::timestamptz), d.id)
      > (COALESCE(sqlc.narg(after_backup)::timestamptz, '-infinity'::timestamptz), sqlc.arg(after_id)::uuid)
ORDER BY COALESCE(d.last_backup_at, '-infinity'::timestamptz), d.id
LIMIT sqlc.arg(page_size)::integer;
