UNWIND $uids AS uid
MATCH (r:Reservation {uid: uid})-[:HOLDS]->(p:ChargePath)
RETURN properties(r) AS hold, p.chain AS chain, p.scoped AS scoped
