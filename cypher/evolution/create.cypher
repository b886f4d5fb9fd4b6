MATCH (b:Budget {uid: $budget_uid})
CREATE (b)-[:ALLOCATED_TO]->(e:Experiment {uid: $uid})
SET e += $properties
RETURN properties(e) AS experiment
