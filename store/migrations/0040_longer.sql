-- A later end that somebody asks for, of a pause that is approved: it goes on to its approved end while this waits for a second person.
ALTER TABLE pause
    ADD COLUMN longer_until timestamptz,
    ADD COLUMN longer_by bigint REFERENCES account,
    ADD CHECK ((longer_until IS NULL) = (longer_by IS NULL)),
    ADD CHECK (longer_until > until);
