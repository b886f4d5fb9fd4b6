MATCH (s:PriceSource {uid: $uid})
WHERE s.lease_owner = $owner
SET s += $properties, s.lease_until_us = 0, s.lease_owner = null
RETURN s.uid AS uid
