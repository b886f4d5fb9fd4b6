MATCH (a:CostAnomaly)
WHERE a.time_key >= $from_key AND a.time_key < $to_key
  AND ($agent_id IS NULL OR a.agent_id = $agent_id) AND ($paths IS NULL OR a.charge_path IN $paths)
  AND ($severities IS NULL OR a.severity IN $severities)
RETURN a.time_key AS key, a.uid AS uid
ORDER BY a.time_key DESC
LIMIT $first
