MERGE (r:Retention {uid: $tenant})
SET r.locked = true
WITH r
WHERE r.lease_until_us IS NULL OR r.lease_until_us < $now_us OR r.lease_owner = $owner
SET r.lease_owner = $owner, r.lease_until_us = $until_us,
  r.horizon_us = CASE WHEN coalesce(r.horizon_us, 0) < $horizon_us THEN $horizon_us ELSE r.horizon_us END
RETURN r.lease_owner AS owner
