-- A set of one row: then the planner makes it part of the query it is asked in. As a function that gives a value it was planned
-- apart at its first call in each session, over 552 pages of the catalogue, and three times as slow at every other.
DROP FUNCTION sealed(bigint);
CREATE FUNCTION sealed(worn bigint) RETURNS SETOF tstzmultirange LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
    SELECT coalesce(range_agg(part), '{}') FROM activation a CROSS JOIN LATERAL unnest(
        tstzmultirange(tstzrange(a.fitted_from, a.fitted_to))
        - coalesce((SELECT range_agg(tstzrange(starts, ends)) FROM authority_span WHERE wearer = a.wearer), '{}')) AS part
    WHERE a.tag = worn;
END;
