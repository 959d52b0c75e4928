-- The chain of what each lane's commits stored (store/chain.py, docs/evidence.md).

-- The newest link, as the lane's next commit goes on from it.
ALTER TABLE lane ADD COLUMN link bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex');

-- One row a commit that stored anything. link = SHA-256(the link before || body).
CREATE TABLE commit_link (
    lane integer NOT NULL REFERENCES lane,
    commit_no bigint NOT NULL,
    at timestamptz NOT NULL,        -- lane time after the commit; its day is the link's
    link bytea NOT NULL,
    body text NOT NULL,             -- JSON: what was stored, as digests
    PRIMARY KEY (lane, commit_no)
);

-- Which rows of a day's table a commit stored: eight bytes a row, in identity order. An index, not a proof: that is in the body.
CREATE TABLE commit_slice (
    day integer NOT NULL,           -- days since 1970 UTC
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('fix', 'event')),
    marks bytea NOT NULL,
    PRIMARY KEY (day, kind, lane, commit_no)
);
ALTER TABLE commit_slice ALTER COLUMN marks SET STORAGE EXTERNAL;

-- Where in the feed a commit's entries stand: known only when its link is written already, so the next link says it.
CREATE TABLE commit_told (
    lane integer NOT NULL,
    commit_no bigint NOT NULL,
    base bigint NOT NULL,           -- the position before the first
    PRIMARY KEY (lane, commit_no)
);
