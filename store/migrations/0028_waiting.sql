-- What would relax a zone, a wearer, a group or a curfew by an absence waits for a second person, as a curfew's changes do.
CREATE TABLE waiting_change (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind          text NOT NULL CHECK (kind IN ('zone', 'wearer', 'group', 'absence')),
    subject       bigint NOT NULL,                   -- of an absence the curfew that it would lift
    version       integer NOT NULL,                  -- of the subject, as it was asked for: a newer one overtakes it
    fields        jsonb,                             -- what would be saved; null: it would end
    relaxes       text NOT NULL,                     -- in what, one sentence
    requested_by  bigint NOT NULL REFERENCES account,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    decided_by    bigint REFERENCES account,
    decided_at    timestamptz,
    approved      boolean,
    CHECK (num_nulls(decided_by, decided_at, approved) IN (0, 3)),
    CHECK (approved IS NOT TRUE OR decided_by <> requested_by)
);
CREATE INDEX waiting_change_subject ON waiting_change (kind, subject);
