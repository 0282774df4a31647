-- +goose Up

-- What the newest attempt at a task found out, for kinds that find out anything. It goes with its task.
CREATE TABLE task_result (
    task_id     uuid        NOT NULL,
    -- Whose it is: a lower one never replaces it.
    fence       bigint      NOT NULL,
    attempt     smallint    NOT NULL,
    finished_at timestamptz NOT NULL,
    -- A serialized job.v1.TaskResult; text of the device in it is masked.
    result      bytea       NOT NULL,
    CONSTRAINT task_result_pkey PRIMARY KEY (task_id),
    CONSTRAINT task_result_task FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE CASCADE,
    CONSTRAINT task_result_bounded CHECK (octet_length(result) <= 2097152)
);

-- +goose Down
DROP TABLE task_result;
