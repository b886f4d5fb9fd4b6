MATCH (a:CostAnomaly)
WHERE a.time_key >= $from_key AND a.time_key < $to_key
RETURN a.time_key AS key
ORDER BY a.time_key DESC
SKIP $passed
LIMIT 1
