UNWIND $rows AS row
MATCH (parent:Agent {uid: row.parent_uid})
MATCH (child:Agent {uid: row.child_uid})
MERGE (parent)-[:PARENT_OF]->(child)
