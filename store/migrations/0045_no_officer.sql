-- Who can answer for an order: whose role may change wearers and orders (api/roles.py: EDIT_WEARERS).
CREATE FUNCTION can_answer(role text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN role IN ('officer', 'supervisor', 'admin');

-- Since when somebody's role cannot: their orders are nobody's from then on, however often the role changes until it can. For whoever
-- has no such role as this comes, from now on: there is a day to name others before it is told of their orders.
ALTER TABLE account ADD COLUMN no_officer_at timestamptz;
UPDATE account SET no_officer_at = now() WHERE NOT can_answer(role);

CREATE FUNCTION note_no_officer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.no_officer_at := CASE WHEN NOT can_answer(NEW.role) THEN coalesce(NEW.no_officer_at, now()) END;
    RETURN NEW;
END $$;
CREATE TRIGGER account_no_officer BEFORE INSERT OR UPDATE OF role ON account FOR EACH ROW EXECUTE FUNCTION note_no_officer();
