MATCH (r:Retention {uid: $tenant})
WHERE r.lease_owner = $owner
SET r.lease_until_us = 0
