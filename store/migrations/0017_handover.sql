-- Shift handovers: what one person owns is another's as soon as that one says so.
CREATE TABLE handover (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    from_account  bigint NOT NULL REFERENCES account,
    to_account    bigint NOT NULL REFERENCES account,
    note          text,
    alerts        bigint[] NOT NULL,          -- owned when it was offered; once accepted, those that moved
    offered_at    timestamptz NOT NULL DEFAULT now(),
    accepted_at   timestamptz,
    withdrawn_at  timestamptz,
    CHECK (from_account <> to_account),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
-- One offer of a person's at a time.
CREATE UNIQUE INDEX handover_offered ON handover (from_account) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
CREATE INDEX handover_to ON handover (to_account) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
