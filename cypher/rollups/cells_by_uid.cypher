UNWIND $uids AS uid
MATCH (c:Cells {uid: uid})
RETURN c.uid AS uid, c.day AS day, c.rows AS rows, [name IN $columns | c[name]] AS columns
