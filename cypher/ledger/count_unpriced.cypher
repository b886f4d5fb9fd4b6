MATCH (n:TokenUsage)
WHERE n.unpriced_key > $after AND n.unpriced_key <= $through
RETURN count(n) AS numbers
