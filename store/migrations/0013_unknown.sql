-- Of the tags worn, those of which a lane does not know yet whether they are silent: it has not listened for long enough.
ALTER TABLE lane_count ADD COLUMN unknown integer NOT NULL DEFAULT 0;
