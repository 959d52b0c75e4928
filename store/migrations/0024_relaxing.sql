-- What would relax a curfew waits for a second person; what tightens one does not.
CREATE TABLE curfew_change (
    id            bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    curfew        bigint NOT NULL REFERENCES curfew,
    version       integer NOT NULL,                  -- the version it was asked for: a newer one overtakes it
    fields        jsonb,                             -- what would change; null: the curfew would end
    relaxes       text NOT NULL,                     -- in what, one sentence
    requested_by  bigint NOT NULL REFERENCES account,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    decided_by    bigint REFERENCES account,
    decided_at    timestamptz,
    approved      boolean,
    CHECK (num_nulls(decided_by, decided_at, approved) IN (0, 3))
);
CREATE INDEX curfew_change_curfew ON curfew_change (curfew);
