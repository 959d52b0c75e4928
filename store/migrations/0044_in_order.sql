-- The calls about an alert are locked in the order of their ids before they change hands, as whoever releases somebody, hands over or
-- gives another role locks them: an update locks as it scans, and the two could wait for each other.
CREATE OR REPLACE FUNCTION calls_follow_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who bigint := CASE WHEN can_call(NEW.owner) THEN NEW.owner END;
BEGIN
    PERFORM FROM contact WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL ORDER BY id FOR UPDATE;
    UPDATE contact SET owed_by = who, version = version + 1
    WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL AND owed_by IS DISTINCT FROM who;
    RETURN NULL;
END $$;
