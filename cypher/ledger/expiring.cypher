MATCH (r:Reservation)
WHERE r.expiry_key > $after AND r.expiry_key < $before
RETURN r.expiry_key AS key, r.uid AS uid, r.expires_at_us AS expires_at_us
ORDER BY r.expiry_key LIMIT $limit
