MATCH (:Limit {uid: $limit_uid})-[:HAS_WINDOW]->(w:Window)
WHERE w.end_us IS NULL OR w.end_us > $after_us
RETURN w.uid AS uid, w.limit_uid AS limit_uid, w.start_us AS start_us, w.end_us AS end_us, w.spent AS spent,
  w.reserved AS reserved, w.forced AS forced, w.told AS told, coalesce(w.carried, 0) AS carried,
  coalesce(w.recovered, []) AS recovered
