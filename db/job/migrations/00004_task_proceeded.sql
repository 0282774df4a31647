-- +goose Up

-- An attempt at the task was let begin to change the device. It is never given out again, so no state waits for another attempt.
ALTER TABLE task ADD COLUMN proceeded boolean NOT NULL DEFAULT false;
ALTER TABLE task ADD CONSTRAINT task_proceeded_once CHECK (NOT proceeded OR state IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'INDETERMINATE'));

-- +goose Down
ALTER TABLE task DROP COLUMN proceeded;
