-- Who can make a call that is owed: somebody who may sign in, and whose role may log contacts (api/roles.py: LOG_CONTACTS).
CREATE FUNCTION can_call(number bigint) RETURNS boolean LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM account WHERE id = number AND active AND role IN ('operator', 'officer', 'supervisor', 'admin'));

-- Whose it is to make a call that is owed: whoever has the alert that it is about, else whoever logged it, until they hand it over.
-- What was to be made more than a day ago and has no such alert is nobody's: it would keep who logged it at the desk for the first
-- time, however old it is.
ALTER TABLE contact ADD COLUMN owed_by bigint REFERENCES account;
UPDATE contact c SET owed_by = p.id
FROM contact o LEFT JOIN alert a ON a.id = o.alert CROSS JOIN LATERAL (
    SELECT CASE WHEN a.handling <> 'closed' THEN a.owner WHEN o.callback_at > now() - interval '1 day' THEN o.account END AS id) p
WHERE o.id = c.id AND c.callback_at IS NOT NULL AND c.settled_by IS NULL AND can_call(p.id);
ALTER TABLE handover ADD COLUMN calls bigint[] NOT NULL DEFAULT '{}';   -- owed when it was offered; once accepted, those that moved

-- However an alert comes to another owner, the calls that are owed about it go with it; where nobody has it, or who has it cannot
-- make them, they are nobody's.
CREATE FUNCTION calls_follow_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who bigint := CASE WHEN can_call(NEW.owner) THEN NEW.owner END;
BEGIN
    UPDATE contact SET owed_by = who, version = version + 1
    WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL AND owed_by IS DISTINCT FROM who;
    RETURN NULL;
END $$;
CREATE TRIGGER alert_calls_follow AFTER UPDATE OF owner ON alert FOR EACH ROW
    WHEN (OLD.owner IS DISTINCT FROM NEW.owner) EXECUTE FUNCTION calls_follow_owner();
