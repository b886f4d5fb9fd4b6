UNWIND $rows AS row
MATCH (v:Evaluation {uid: row.uid})
SET v.log = row.log
