-- +goose Up

-- What was said and typed in the newest attempt at a task, where its run asked for it. It goes with its task.
CREATE TABLE task_transcript (
    task_id     uuid        NOT NULL,
    -- Whose it is: a lower one never replaces it.
    fence       bigint      NOT NULL,
    attempt     smallint    NOT NULL,
    finished_at timestamptz NOT NULL,
    -- Masked by the agent.
    transcript  text        NOT NULL,
    truncated   boolean     NOT NULL,
    CONSTRAINT task_transcript_pkey PRIMARY KEY (task_id),
    CONSTRAINT task_transcript_task FOREIGN KEY (task_id) REFERENCES task (id) ON DELETE CASCADE,
    CONSTRAINT task_transcript_bounded CHECK (octet_length(transcript) <= 262144)
);

-- +goose Down
DROP TABLE task_transcript;
