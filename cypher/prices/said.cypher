CALL () {
  MATCH (c:RateCard)
  WHERE c.version_key > $from_key AND c.version_key < $to_key
  RETURN collect(properties(c)) AS cards
}
CALL () {
  MATCH (r:RateSheet)
  WHERE r.version_key > $from_key AND r.version_key < $to_key
  RETURN collect(properties(r)) AS sheets
}
CALL () {
  MATCH (f:PriceFile)
  WHERE f.version_key > $from_key AND f.version_key < $to_key
  RETURN collect(properties(f)) AS files
}
CALL () {
  MATCH (a:Agreement)
  WHERE a.version_key > $from_key AND a.version_key < $to_key
  RETURN collect(properties(a)) AS agreements
}
RETURN cards, sheets, files, agreements
