-- A digest each day: at a local time, how many alerts are open, without a word about whom.
ALTER TABLE channel ADD COLUMN digest_at text CHECK (digest_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    ADD COLUMN digest_timezone text, ADD COLUMN digest_day date,  -- the day whose digest was written last, by that clock
    ADD CHECK ((digest_at IS NULL) = (digest_timezone IS NULL));
