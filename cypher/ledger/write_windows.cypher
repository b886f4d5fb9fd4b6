UNWIND $rows AS row
MATCH (w:Window {uid: row.uid})
SET w += row.figures
