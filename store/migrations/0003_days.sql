-- Days are rewritten beside running commits (store/rewriting.py): in the order of their key once they are over.

CREATE TABLE rewritten_day (
    name text PRIMARY KEY,  -- of the day's table, such as fix_20260320
    ordered_at timestamptz NOT NULL,
    held_by bigint NOT NULL DEFAULT 0  -- the newest change of a hold this day was cut down by; 0: it has all its rows
);

-- Rows written to a day while it is copied, by their key: taken over, and removed, before the copy takes the day's place.
CREATE TABLE day_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    tag bigint NOT NULL,
    at timestamptz NOT NULL,
    seq bigint NOT NULL,
    last smallint NOT NULL  -- the key's last column: a fix's source, an event's kind
);

CREATE FUNCTION note_day_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF TG_ARGV[0] = 'fix' THEN
        INSERT INTO day_change (name, tag, at, seq, last) VALUES (TG_TABLE_NAME, held.tag, held.fix_at, held.seq, held.source);
    ELSE
        INSERT INTO day_change (name, tag, at, seq, last) VALUES (TG_TABLE_NAME, held.tag, held.at, held.seq, held.kind);
    END IF;
    RETURN NULL;
END
$$;
