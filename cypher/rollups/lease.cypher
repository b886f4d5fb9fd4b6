MATCH (f:Fold {uid: $tenant})
WHERE f.lease_until_us IS NULL OR f.lease_until_us < $now_us OR f.lease_owner = $owner
SET f.lease_owner = $owner, f.lease_until_us = $until_us
RETURN f.lease_owner AS owner
