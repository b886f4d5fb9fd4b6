UNWIND $uids AS uid
MATCH (n:Notice {uid: uid})
RETURN n.uid AS budget_uid, n.tenant AS tenant, n.at_us AS at_us, n.threshold_ppm AS threshold_ppm,
  n.due_us AS due_us
