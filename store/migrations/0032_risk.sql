-- An absence is judged again, from the journal or as evidence, by what held then: so the risk is of the version, not of today.
ALTER TABLE curfew_version ADD COLUMN high_risk boolean NOT NULL DEFAULT false;
-- What it was earlier is not known; it was judged as it stands.
UPDATE curfew_version v SET high_risk = o.risk = 'high' OR coalesce(w.details ->> 'risk' = 'high', false)
FROM monitoring_order o JOIN wearer w ON w.id = o.wearer WHERE o.id = v.monitoring_order;
