UNWIND $uids AS uid
MATCH (r:Rollup {uid: uid})
RETURN r.budget_uid AS budget_uid, collect(r.day) AS days, collect(r.total) AS totals, collect(r.own) AS owns,
  collect([name IN $columns | r[name]]) AS tables
