-- When the oldest call was made that nobody has answered yet; of a row whose calls are all answered, the last one.
ALTER TABLE alert ADD COLUMN called_at timestamptz;
UPDATE alert SET called_at = detected_at;
ALTER TABLE alert ALTER COLUMN called_at SET NOT NULL, ALTER COLUMN called_at SET DEFAULT clock_timestamp();
