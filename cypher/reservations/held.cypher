MATCH (r:Reservation)-[:HOLDS]->(p:ChargePath)
WHERE r.expiry_key > $after AND r.expiry_key < $before AND ($budget_uid IN p.chain OR $budget_uid IN p.scoped)
RETURN r.level_of AS resource, r.user_id AS user_id, sum(r.level) AS level,
  min(CASE WHEN r.level > 0 THEN r.created_at_us END) AS oldest_us,
  sum(CASE WHEN r.at_us >= $day_us THEN r.cost_nano ELSE 0 END) AS cost_nano_today,
  sum(CASE WHEN r.at_us >= $day_us THEN r.tokens ELSE 0 END) AS tokens_today,
  sum(CASE WHEN r.at_us >= $minute_us THEN r.requests ELSE 0 END) AS requests_this_minute
