MATCH (c:Cells)
WHERE c.uid >= $begin AND c.uid < $end
RETURN c.uid AS uid, c.day AS day, c.rows AS rows
