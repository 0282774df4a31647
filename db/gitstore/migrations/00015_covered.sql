-- +goose Up

-- Another device's text was put where this one lies: one was made anew under its name. git need not have this text now; its next result puts it back.
ALTER TABLE artifact ADD COLUMN covered boolean NOT NULL DEFAULT false;
UPDATE artifact a SET covered = true WHERE EXISTS (SELECT 1 FROM artifact o WHERE o.path = a.path AND o.repository = a.repository AND (o.device_id, o.name) <> (a.device_id, a.name));

-- +goose Down
ALTER TABLE artifact DROP COLUMN covered;
