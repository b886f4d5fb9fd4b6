UNWIND $uids AS uid
MATCH (m:MonthUse {uid: uid})
RETURN m.uid AS uid, m.counts AS counts, m.quantity_nano AS quantity_nano
