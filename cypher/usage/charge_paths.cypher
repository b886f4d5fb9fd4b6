MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(p:ChargePath)
RETURN p.uid AS uid
