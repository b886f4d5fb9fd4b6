MATCH (f:Fold {uid: $tenant})
SET f.locked = true
WITH f
SET f.ended = f.begun,
  f.lease_until_us = CASE WHEN f.lease_owner = $owner THEN 0 ELSE f.lease_until_us END
