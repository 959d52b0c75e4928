-- Where the log between doors and lanes is Kafka: which topics a lane consumes, and how much of a receipt is committed.

-- Generation of the topics that the lane consumes; 0 when embedded (store/generations.py).
ALTER TABLE lane ADD COLUMN generation integer NOT NULL DEFAULT 0;

-- A request that became several frames is told of when all are committed.
ALTER TABLE receipt ADD COLUMN done integer NOT NULL DEFAULT 1,   -- frames of it that this lane has committed
                    ADD COLUMN frames integer NOT NULL DEFAULT 1; -- frames it became, in all lanes
