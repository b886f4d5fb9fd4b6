CALL () {
  MATCH (e:CostEntry)
  WHERE e.uid > $after AND e.uid <= $through
  RETURN count(e) AS entries
}
CALL () {
  MATCH (u:TokenUsage)
  WHERE u.unpriced_key > $after AND u.unpriced_key <= $through
  RETURN count(u) AS unpriced
}
CALL () {
  MATCH (e:Event)
  WHERE e.uid > $after AND e.uid <= $through
  RETURN count(e) AS events
}
RETURN entries, unpriced, events
