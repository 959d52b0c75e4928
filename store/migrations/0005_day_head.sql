-- Signed heads of lane-days: where a lane's chain stood when the day was over, signed with a key that is not in this database.
CREATE TABLE day_head (
    lane integer NOT NULL REFERENCES lane,
    day integer NOT NULL,           -- days since 1970 UTC, by lane time
    commit_no bigint NOT NULL,      -- the day's last commit that has a link
    link bytea NOT NULL,
    key text NOT NULL,              -- which public key checks it
    signature bytea NOT NULL,       -- Ed25519
    signed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lane, day)
);
