MATCH (e:Experiment {uid: $experiment_uid})
CREATE (s:Selection {uid: $uid})-[:MADE_IN]->(e)
SET s += $properties
RETURN properties(s) AS selection
