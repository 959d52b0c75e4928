-- Whose it is to make a call that is owed: whoever has the alert that it is about, else whoever logged it, until they hand it over.
ALTER TABLE contact ADD COLUMN owed_by bigint REFERENCES account;
UPDATE contact c SET owed_by = CASE WHEN a.handling <> 'closed' THEN a.owner ELSE c.account END
FROM contact o LEFT JOIN alert a ON a.id = o.alert
WHERE o.id = c.id AND c.callback_at IS NOT NULL AND c.settled_by IS NULL;
ALTER TABLE handover ADD COLUMN calls bigint[] NOT NULL DEFAULT '{}';   -- owed when it was offered; once accepted, those that moved

-- However an alert comes to another owner, the calls that are owed about it go with it; where nobody has it, they are nobody's.
CREATE FUNCTION calls_follow_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE contact SET owed_by = NEW.owner, version = version + 1
    WHERE alert = NEW.id AND callback_at IS NOT NULL AND settled_by IS NULL AND owed_by IS DISTINCT FROM NEW.owner;
    RETURN NULL;
END $$;
CREATE TRIGGER alert_calls_follow AFTER UPDATE OF owner ON alert FOR EACH ROW
    WHEN (OLD.owner IS DISTINCT FROM NEW.owner) EXECUTE FUNCTION calls_follow_owner();
