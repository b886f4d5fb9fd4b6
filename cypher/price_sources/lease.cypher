MATCH (s:PriceSource {uid: $uid})
SET s.locked = true
WITH s
WHERE s.lease_until_us IS NULL OR s.lease_until_us < $now_us
SET s.lease_owner = $owner, s.lease_until_us = $until_us
RETURN properties(s) AS source
