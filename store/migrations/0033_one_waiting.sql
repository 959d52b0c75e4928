-- A curfew's changes wait for a second person as a zone's, a wearer's and a group's do, in one table and one list.
ALTER TABLE waiting_change DROP CONSTRAINT waiting_change_kind_check,
    ADD CONSTRAINT waiting_change_kind_check CHECK (kind IN ('zone', 'wearer', 'group', 'absence', 'settings', 'curfew'));
INSERT INTO waiting_change (kind, subject, version, fields, relaxes, requested_by, requested_at, decided_by, decided_at, approved)
SELECT 'curfew', curfew, version, fields, relaxes, requested_by, requested_at, decided_by, decided_at, approved
FROM curfew_change ORDER BY id;
DROP TABLE curfew_change;
