MATCH (n:Event)
WHERE n.uid > $after AND n.uid <= $through
RETURN count(n) AS numbers
