MATCH (r:Reservation)-[:HOLDS]->(p:ChargePath)
WHERE r.expiry_key > $after AND r.expiry_key < $before
RETURN p.chain AS chain, p.scoped AS scoped, count(r) AS reservations
