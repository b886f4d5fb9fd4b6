MATCH (c:Cells)
WHERE c.uid >= $begin AND c.uid < $end
WITH c LIMIT $limit
DETACH DELETE c
RETURN count(*) AS dropped
