-- name: ListSigningKeys :many
SELECT kid, public_key, sealed_private, signs_from FROM signing_key ORDER BY signs_from;

-- name: InsertSigningKey :exec
INSERT INTO signing_key (kid, public_key, sealed_private, signs_from) VALUES ($1, $2, $3, $4);

-- name: DeleteSigningKey :exec
DELETE FROM signing_key WHERE kid = $1;

-- name: GetAuthority :one
SELECT certificate, sealed_key, created_at FROM authority;

-- name: InsertAuthority :exec
INSERT INTO authority (only_one, certificate, sealed_key, created_at) VALUES (true, $1, $2, $3);
