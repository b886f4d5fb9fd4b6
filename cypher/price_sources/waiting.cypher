MATCH (:PriceSource {uid: $uid})-[:HOLDS_BACK]->(h:HeldPrice)
WHERE h.state IN ['HELD', 'REJECTED']
RETURN h.uid AS uid, h.state AS state, h.fingerprint AS fingerprint
