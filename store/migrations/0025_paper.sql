-- What is on paper, against what there is: who looks locks the one row, and writes what it finds in the same transaction.
CREATE TABLE paper (
    single     boolean     PRIMARY KEY DEFAULT true CHECK (single),
    looked_at  timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO paper DEFAULT VALUES;

-- Why, of a kind that has several reasons: paperwork.
ALTER TABLE alert ADD COLUMN reason text NOT NULL DEFAULT '';
CREATE INDEX alert_paper ON alert (kind) WHERE condition = 'active' AND kind IN ('not_fitted', 'no_first_fix', 'paperwork');

-- The first position of each activation, once there is one: so that it is looked for no more.
CREATE TABLE first_fix (
    activation  bigint      PRIMARY KEY REFERENCES activation,
    fix_at      timestamptz NOT NULL
);
