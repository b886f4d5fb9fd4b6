MATCH (e:Experiment {uid: $uid})
SET e.frozen = coalesce(e.frozen, $frozen)
RETURN properties(e) AS experiment
