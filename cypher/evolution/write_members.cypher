UNWIND $rows AS row
MATCH (e:Experiment {uid: row.experiment_uid})
MATCH (a:Agent {uid: row.agent_uid})
CREATE (a)-[:TAKES_PART]->(m:Member {uid: row.uid})-[:MEMBER_OF]->(e)
SET m += row.properties
RETURN collect(m.uid) AS uids
