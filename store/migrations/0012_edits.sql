-- The chain of what people did, and the watch: beside those of the lanes (store/edits.py, docs/evidence.md).
CREATE TABLE edit_link (
    number bigint PRIMARY KEY,
    at timestamptz NOT NULL,        -- by the database's clock; never before the link before
    link bytea NOT NULL,
    body text NOT NULL
);

-- Its days are signed, too, as those of lane -1, which is none.
ALTER TABLE day_head DROP CONSTRAINT day_head_lane_fkey;
