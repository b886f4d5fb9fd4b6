MATCH (n:CostEntry)
WHERE n.uid > $after AND n.uid <= $through
RETURN count(n) AS numbers
