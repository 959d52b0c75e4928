-- What was imported from a file, by the name it has there: imported again it is found, not made twice (docs/worlds.md).
CREATE TABLE imported (
    source    text NOT NULL,             -- the file's name, or the one given instead
    ref       text NOT NULL,             -- "orders/o1"
    request   bytea NOT NULL,            -- SHA-256 of method, path and body
    resource  bigint NOT NULL,           -- its id here
    account   bigint REFERENCES account,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, ref)
);
