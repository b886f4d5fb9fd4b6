MATCH (f:Fold {uid: $tenant})
WHERE f.lease_owner = $owner
SET f.lease_until_us = 0
