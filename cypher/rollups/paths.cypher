UNWIND $uids AS uid
MATCH (p:ChargePath {uid: uid})
RETURN p.uid AS uid, p.chain AS chain, p.scoped AS scoped
