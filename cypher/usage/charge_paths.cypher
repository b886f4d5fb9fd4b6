MATCH (:Budget {uid: $budget_uid})<-[:LEADS_TO]-(p:ChargePath)
RETURN collect(p.uid) AS uids
